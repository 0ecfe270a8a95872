/**
 * Shares a port between a listener and the sockets of readers: a program in the kernel looks at the nonce
 * of each datagram (docs/WIRE.md, section 3). Mutations go to the listener; queries to a reader, and
 * all queries of one client to the same.
 *
 * The listener is bound before it lets others in. So a second server at the same address is refused as
 * ever, although the readers' sockets share it.
 * Source: SO_REUSEPORT and SO_ATTACH_REUSEPORT_CBPF in socket(7); linux/bpf_common.h.
 */

import type { ServerSocket } from "../protocol/socket.ts";
import type { Address } from "./address.ts";
import type { LinuxSocket } from "./linux_socket.ts";
import { type Division, RECEIVE_BUFFER_BYTES } from "./runtime.ts";
import { socketAddress } from "./socket_address.ts";

// Instructions of classic BPF: a code, jumps for true and false, and a number.
const LOAD_BYTE = 0x30;
const LOAD_WORD = 0x20;
const JUMP_IF_SET = 0x45;
const MODULO = 0x94;
const ADD = 0x04;
const RETURN_NUMBER = 0x06;
const RETURN_RESULT = 0x16;

/** Bit 0 of a nonce's first byte is set for mutations; these four bytes are random, but a client's own. */
const MUTATION_BIT = 1;
const CLIENT_WORD_AT = 4;

type Instruction = readonly [codeAndJumps: number, number: number];

function instruction(code: number, number: number, ifTrue = 0, ifFalse = 0): Instruction {
  return [code | (ifTrue << 16) | (ifFalse << 24), number];
}

/** Everything goes to the listener, which is the first socket. */
const UNDIVIDED = assemble([instruction(RETURN_NUMBER, 0)]);

function programFor(readers: number): Uint32Array<ArrayBuffer> {
  return assemble([
    instruction(LOAD_BYTE, 0),
    instruction(JUMP_IF_SET, MUTATION_BIT, 4, 0),
    instruction(LOAD_WORD, CLIENT_WORD_AT),
    instruction(MODULO, readers),
    instruction(ADD, 1),
    instruction(RETURN_RESULT, 0),
    instruction(RETURN_NUMBER, 0),
  ]);
}

function assemble(instructions: readonly Instruction[]): Uint32Array<ArrayBuffer> {
  const program = new Uint32Array(new ArrayBuffer(instructions.length * 8));
  program.set(instructions.flat());
  return program;
}

/** Null, with nothing left open, if the system refuses. @param own where the listener answers */
export function divide(
  listener: LinuxSocket,
  own: ServerSocket,
  address: Address,
  readers: number,
): Division | null {
  if (!listener.sharePort(true)) return null;
  const at = socketAddress(address);
  const sockets: LinuxSocket[] = [];
  for (let i = 0; i < readers; i++) {
    const beside = listener.bindBeside(at);
    if (beside !== null) sockets.push(beside);
  }
  const divided = programFor(readers);
  if (sockets.length < readers || !listener.steer(divided)) {
    for (const each of sockets) each.close();
    listener.sharePort(false);
    return null;
  }
  for (const each of sockets) each.raiseReceiveBuffer(RECEIVE_BUFFER_BYTES);
  return {
    descriptors: sockets.map(({ fd }) => fd),
    socket: own,
    steer: (isDivided) => void listener.steer(isDivided ? divided : UNDIVIDED),
    wake: () => {
      for (const each of sockets) each.wake();
    },
    close: (reader) => sockets[reader].close(),
  };
}
