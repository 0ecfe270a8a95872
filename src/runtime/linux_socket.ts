/**
 * A Linux socket: datagrams in batches, with one system call for many and no object for each, and
 * a larger receive buffer. Bun opens the socket and reports when a datagram has arrived.
 * Source: recvmmsg(2), sendmmsg(2), socket(7).
 */

import { openLibrary, type Pointer, pointerTo } from "./foreign.ts";
import { BATCH, type Messages } from "./messages.ts";
import { RECEIVE_BUFFER_BYTES } from "./runtime.ts";

interface Libc {
  recvmmsg(fd: number, messages: Pointer, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Pointer, bytes: number): number;
  getsockopt(fd: number, level: number, name: number, value: Pointer, bytes: Pointer): number;
}

/** glibc's name, and musl's on the two architectures. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** Opened once per process. */
let libc: Libc | null | undefined;

const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** Exceeds the system's limit, where the process may do so. */
const SO_RCVBUFFORCE = 33;
const INT_BYTES = 4;

function openLibc(): Libc | null {
  return openLibrary<Libc>(NAMES, {
    recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
    sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  });
}

export class LinuxSocket {
  readonly #libc: Libc;
  readonly #fd: number;

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Null where this is not Linux, or its C library is not a known one. */
  static from(fd: number): LinuxSocket | null {
    libc ??= openLibc();
    return libc === null ? null : new LinuxSocket(libc, fd);
  }

  /** Receives waiting datagrams into the messages from `first` on; returns how many there were. */
  receive(into: Messages, first: number): number {
    const at = into.pointerTo(first);
    return Math.max(0, this.#libc.recvmmsg(this.#fd, at, BATCH - first, MSG_DONTWAIT, null));
  }

  /**
   * Sends the first `count` datagrams. One that is refused is tried once more, since the error may
   * be that of an earlier one, whose receiver is gone.
   * @param onRefused called with the index of one that was refused twice
   */
  send(messages: Messages, count: number, onRefused: (i: number) => void): void {
    let isSecondTry = false;
    for (let sent = 0; sent < count;) {
      const more = this.#libc.sendmmsg(
        this.#fd,
        messages.pointerTo(sent),
        count - sent,
        MSG_DONTWAIT,
      );
      if (more > 0) sent += more;
      else if (isSecondTry) onRefused(sent++);
      isSecondTry = more <= 0 && !isSecondTry;
    }
  }

  /** Raises the receive buffer as far as the system allows; returns its size in bytes. */
  raiseReceiveBuffer(): number | null {
    const value = new Uint32Array(new ArrayBuffer(INT_BYTES));
    const length = new Uint32Array(new ArrayBuffer(INT_BYTES));
    value[0] = RECEIVE_BUFFER_BYTES;
    if (!this.#set(SO_RCVBUFFORCE, value)) this.#set(SO_RCVBUF, value);
    length[0] = INT_BYTES;
    const [at, lengthAt] = [value, length].map(pointerTo);
    const result = this.#libc.getsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, at, lengthAt);
    return result === 0 && length[0] === INT_BYTES ? value[0] : null;
  }

  #set(name: number, value: Uint32Array<ArrayBuffer>): boolean {
    return this.#libc.setsockopt(this.#fd, SOL_SOCKET, name, pointerTo(value), INT_BYTES) === 0;
  }
}
