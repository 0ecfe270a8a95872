/**
 * Datagrams in memory as recvmmsg and sendmmsg take them: an array of struct mmsghdr, each with a
 * buffer and the address of its peer. They are made once and reused.
 * Source: recvmmsg(2), ip(7), ipv6(7); 64 bits, little-endian (see foreign.ts).
 */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import { type Pointer, pointerTo } from "./foreign.ts";

/** Most datagrams in one system call. With 64 the server did a seventh less: each waits longer. */
export const BATCH = 32;

const WORD_BYTES = 4;
/** One byte more than a datagram, so that a longer one is noticed; rounded up to a cache line. */
const BUFFER_BYTES = DATAGRAM_BYTES + 64;
/** A struct sockaddr_in6; a sockaddr_in is shorter. */
const PEER_BYTES = 28;
const PEER_WORDS = PEER_BYTES / WORD_BYTES;
/** The size of a struct mmsghdr, in words, and where its fields are. */
const HEADER_WORDS = 16;
const PEER_AT = 0;
const PEER_BYTES_AT = 2;
const PARTS_AT = 4;
const PART_COUNT_AT = 6;
const LENGTH_AT = 14;
/** A struct iovec: address and length. */
const PART_WORDS = 4;
const PART_BYTES_AT = 2;

export class Messages {
  /** Each has 1,024 bytes. */
  readonly datagrams: readonly Uint8Array[];
  readonly #at: Pointer;
  readonly #roomBytes: number;
  readonly #buffer = new Uint8Array(new ArrayBuffer(BATCH * BUFFER_BYTES));
  readonly #headers = makeWords(HEADER_WORDS);
  readonly #parts = makeWords(PART_WORDS);
  readonly #peers = makeWords(PEER_WORDS);
  readonly #peerViews = Array.from(
    { length: BATCH },
    (_, i) => new Uint8Array(this.#peers.buffer, i * PEER_BYTES, PEER_BYTES),
  );

  /** @param roomBytes the room for each datagram */
  constructor(roomBytes: number) {
    this.#roomBytes = roomBytes;
    this.#at = pointerTo(this.#headers);
    const [buffer, parts, peers] = [this.#buffer, this.#parts, this.#peers].map(pointerTo);
    this.datagrams = Array.from({ length: BATCH }, (_, i) => this.#view(i, DATAGRAM_BYTES));
    for (let i = 0; i < BATCH; i++) {
      const header = i * HEADER_WORDS;
      const part = i * PART_WORDS;
      writePointer(this.#headers, header + PEER_AT, peers + i * PEER_BYTES);
      this.#headers[header + PEER_BYTES_AT] = PEER_BYTES;
      writePointer(this.#headers, header + PARTS_AT, parts + part * WORD_BYTES);
      this.#headers[header + PART_COUNT_AT] = 1;
      writePointer(this.#parts, part, buffer + i * BUFFER_BYTES);
      this.#parts[part + PART_BYTES_AT] = roomBytes;
    }
  }

  /** The address of the i-th header. */
  pointerTo(i: number): Pointer {
    return this.#at + i * HEADER_WORDS * WORD_BYTES;
  }

  /** The i-th received datagram, with the length it had on arrival. */
  received(i: number): Uint8Array {
    const length = this.#headers[i * HEADER_WORDS + LENGTH_AT];
    return length === DATAGRAM_BYTES ? this.datagrams[i] : this.#view(i, length);
  }

  /** Puts a datagram received by other means. @param peer a struct sockaddr_in or sockaddr_in6 */
  put(i: number, datagram: Uint8Array, peer: Uint8Array): void {
    const length = Math.min(datagram.length, this.#roomBytes);
    const to = length === DATAGRAM_BYTES ? this.datagrams[i] : this.#view(i, length);
    to.set(length === datagram.length ? datagram : datagram.subarray(0, length));
    this.#headers[i * HEADER_WORDS + LENGTH_AT] = length;
    this.addressTo(i, peer);
  }

  /** The sender of the i-th, for `addressTo`; valid until the next is received. */
  peerOf(i: number): Uint8Array {
    return this.#peerViews[i];
  }

  /** @param peer a struct sockaddr_in or sockaddr_in6 */
  addressTo(i: number, peer: Uint8Array): void {
    const own = this.#peerViews[i];
    for (let at = 0; at < peer.length; at++) own[at] = peer[at];
  }

  /** Addresses all datagrams to one peer. @param peer a struct sockaddr_in or sockaddr_in6 */
  addressAllTo(peer: Uint8Array): void {
    const bytes = new Uint8Array(this.#peers.buffer);
    for (let i = 0; i < BATCH; i++) {
      bytes.set(peer, i * PEER_BYTES);
      this.#headers[i * HEADER_WORDS + PEER_BYTES_AT] = peer.length;
    }
  }

  #view(i: number, bytes: number): Uint8Array {
    const at = i * BUFFER_BYTES;
    return this.#buffer.subarray(at, at + bytes);
  }
}

function makeWords(wordsEach: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(new ArrayBuffer(BATCH * wordsEach * WORD_BYTES));
}

function writePointer(words: Uint32Array, at: number, pointer: Pointer): void {
  words[at] = pointer;
  words[at + 1] = Math.floor(pointer / 2 ** 32);
}
