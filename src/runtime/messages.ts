/**
 * Datagrams in memory as recvmmsg and sendmmsg take them: an array of struct mmsghdr, each with a
 * buffer and the address of its peer. They are made once and reused. Datagrams to one peer that follow
 * each other are sent as a run: one message, which the kernel cuts up (UDP_SEGMENT).
 * Source: recvmmsg(2), udp(7), ip(7), ipv6(7); 64 bits, little-endian (see foreign.ts).
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
const CONTROL_AT = 8;
const CONTROL_BYTES_AT = 10;
const LENGTH_AT = 14;
/** A struct iovec: address and length. */
const PART_WORDS = 4;
const PART_BYTES_AT = 2;
/** A struct cmsghdr with a u16, padded: it tells the kernel where to cut a run into datagrams. */
const CONTROL_WORDS = 6;
const CONTROL_LENGTH = 18;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

export class Messages {
  /** Each has 1,024 bytes. */
  readonly datagrams: readonly Uint8Array[];
  readonly #at: Pointer;
  readonly #roomBytes: number;
  readonly #buffer = new Uint8Array(new ArrayBuffer(BATCH * BUFFER_BYTES));
  readonly #headers = makeWords(HEADER_WORDS);
  readonly #parts = makeWords(PART_WORDS);
  readonly #peers = makeWords(PEER_WORDS);
  /** Headers of runs, and the first datagram of each. */
  readonly #runs = makeWords(HEADER_WORDS);
  readonly #runsAt = pointerTo(this.#runs);
  readonly #firsts = new Uint8Array(BATCH + 1);
  readonly #control = makeControl();
  readonly #controlAt = pointerTo(this.#control);
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

  /**
   * Arranges the first `count` datagrams in runs to be sent.
   * @param mayJoin whether a run may have more than one
   * @returns the number of runs
   */
  arrange(count: number, mayJoin: boolean): number {
    let runs = 0;
    for (let i = 0; i < count; i++) {
      if (i > 0 && mayJoin && this.#belongsToRunBefore(i)) {
        const header = (runs - 1) * HEADER_WORDS;
        this.#runs[header + PART_COUNT_AT]++;
        this.#runs[header + CONTROL_BYTES_AT] = CONTROL_WORDS * WORD_BYTES;
      } else this.#beginRun(runs++, i);
    }
    this.#firsts[runs] = count;
    return runs;
  }

  #beginRun(run: number, i: number): void {
    const to = run * HEADER_WORDS;
    const from = i * HEADER_WORDS;
    for (let word = 0; word < CONTROL_AT; word++) {
      this.#runs[to + word] = this.#headers[from + word];
    }
    writePointer(this.#runs, to + CONTROL_AT, this.#controlAt);
    this.#runs[to + CONTROL_BYTES_AT] = 0;
    this.#firsts[run] = i;
  }

  /** Whether a datagram has the peer of the one before and is, as that one, for reader or writer. */
  #belongsToRunBefore(i: number): boolean {
    if (this.datagrams[i][0] !== this.datagrams[i - 1][0]) return false;
    const at = i * PEER_WORDS;
    for (let word = at; word < at + PEER_WORDS; word++) {
      if (this.#peers[word] !== this.#peers[word - PEER_WORDS]) return false;
    }
    return true;
  }

  /** The address of a run's header, where those of the runs after it follow. */
  pointerToRun(run: number): Pointer {
    return this.#runsAt + run * HEADER_WORDS * WORD_BYTES;
  }

  /** The first datagram of a run; for the number of runs, the number of datagrams. */
  firstOf(run: number): number {
    return this.#firsts[run];
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

/** It says that a message is a run of datagrams of 1,024 bytes. */
function makeControl(): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(new ArrayBuffer(CONTROL_WORDS * WORD_BYTES));
  words.set([CONTROL_LENGTH, 0, SOL_UDP, UDP_SEGMENT, DATAGRAM_BYTES]);
  return words;
}

function writePointer(words: Uint32Array, at: number, pointer: Pointer): void {
  words[at] = pointer;
  words[at + 1] = Math.floor(pointer / 2 ** 32);
}
