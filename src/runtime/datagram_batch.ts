/**
 * Datagrams by the batch: what waits in a socket is taken with one recvmmsg, answered, and the
 * replies leave with one sendmmsg, from memory that is used again. Source: recvmmsg(2), sendmmsg(2).
 */

import { assert } from "../assert.ts";
import { DATAGRAM_BYTES, type Receive } from "../protocol/datagram.ts";
import { type Pointer, pointerTo } from "./foreign.ts";
import type { Libc } from "./libc.ts";

/** Most datagrams of a batch: so many are answered at most before the first reply leaves. */
const BATCH = 64;
/** Batches in a row, so that under any load timers and other sockets come to their turn. */
const MAX_BATCHES = 4;
/** One byte more than a datagram has, so that a longer one shows; rounded up to a cache line. */
const BUFFER_BYTES = DATAGRAM_BYTES + 64;
const MSG_DONTWAIT = 0x40;

/** A struct sockaddr_in6; a sockaddr_in is shorter. */
const NAME_WORDS = 7;
/** A struct mmsghdr, in words of 32 bits, and where its fields are. */
const HEADER_WORDS = 16;
const NAME_AT = 0;
const NAME_BYTES_AT = 2;
const PARTS_AT = 4;
const PART_COUNT_AT = 6;
const LENGTH_AT = 14;
/** A struct iovec: address and length. */
const PART_WORDS = 4;
const PART_BYTES_AT = 2;

export class DatagramBatch {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #requests = new Messages(DATAGRAM_BYTES + 1);
  readonly #replies = new Messages(DATAGRAM_BYTES);

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Answers what waits in the socket, as far as is good. @param receive answers now, not later */
  answer(receive: Receive): void {
    let batches = 0;
    while (batches < MAX_BATCHES && this.#answerBatch(receive)) batches++;
  }

  /** @returns whether there was anything to answer */
  #answerBatch(receive: Receive): boolean {
    const requests = this.#requests;
    const replies = this.#replies;
    const count = this.#libc.recvmmsg(this.#fd, requests.pointer, BATCH, MSG_DONTWAIT, null);
    let answered = 0;
    for (let i = 0; i < count; i++) {
      const isAnswered = receive(requests.received(i), replies.datagrams[answered]);
      assert(typeof isAnswered === "boolean", "a batch is answered at once");
      if (isAnswered) replies.addressTo(answered++, requests, i);
    }
    if (answered > 0) this.#send(answered);
    return count > 0;
  }

  /**
   * Sends the first so many replies. One that can't be sent is tried once more, since the error
   * may be of an earlier one, whose client is gone; then it is as lost on the way.
   */
  #send(count: number): void {
    let isSecondTry = false;
    for (let sent = 0; sent < count;) {
      const from = this.#replies.pointer + sent * HEADER_WORDS * 4;
      const more = this.#libc.sendmmsg(this.#fd, from, count - sent, MSG_DONTWAIT);
      if (more > 0) sent += more;
      else if (isSecondTry) sent++;
      isSecondTry = more <= 0 && !isSecondTry;
    }
  }
}

/** An array of struct mmsghdr, each with a datagram and the address of its peer. */
class Messages {
  readonly pointer: Pointer;
  /** Each of DATAGRAM_BYTES. */
  readonly datagrams: readonly Uint8Array[];
  readonly #buffer = new Uint8Array(new ArrayBuffer(BATCH * BUFFER_BYTES));
  readonly #headers = new Uint32Array(new ArrayBuffer(BATCH * HEADER_WORDS * 4));
  readonly #parts = new Uint32Array(new ArrayBuffer(BATCH * PART_WORDS * 4));
  readonly #names = new Uint32Array(new ArrayBuffer(BATCH * NAME_WORDS * 4));

  /** @param roomBytes of each datagram */
  constructor(roomBytes: number) {
    this.pointer = pointerTo(this.#headers);
    const [buffer, parts, names] = [this.#buffer, this.#parts, this.#names].map(pointerTo);
    this.datagrams = Array.from({ length: BATCH }, (_, i) => this.#view(i, DATAGRAM_BYTES));
    for (let i = 0; i < BATCH; i++) {
      const header = i * HEADER_WORDS;
      const part = i * PART_WORDS;
      writePointer(this.#headers, header + NAME_AT, names + i * NAME_WORDS * 4);
      // The kernel reads a longer one than an IPv4 address has as it should.
      this.#headers[header + NAME_BYTES_AT] = NAME_WORDS * 4;
      writePointer(this.#headers, header + PARTS_AT, parts + part * 4);
      this.#headers[header + PART_COUNT_AT] = 1;
      writePointer(this.#parts, part, buffer + i * BUFFER_BYTES);
      this.#parts[part + PART_BYTES_AT] = roomBytes;
    }
  }

  /** The datagram that was received as the i-th, as long as it came. */
  received(i: number): Uint8Array {
    const length = this.#headers[i * HEADER_WORDS + LENGTH_AT];
    return length === DATAGRAM_BYTES ? this.datagrams[i] : this.#view(i, length);
  }

  /** Makes the peer of another array's j-th message that of the i-th here. */
  addressTo(i: number, other: Messages, j: number): void {
    for (let word = 0; word < NAME_WORDS; word++) {
      this.#names[i * NAME_WORDS + word] = other.#names[j * NAME_WORDS + word];
    }
  }

  #view(i: number, bytes: number): Uint8Array {
    const at = i * BUFFER_BYTES;
    return this.#buffer.subarray(at, at + bytes);
  }
}

function writePointer(words: Uint32Array, at: number, pointer: Pointer): void {
  words[at] = pointer;
  words[at + 1] = Math.floor(pointer / 2 ** 32);
}
