/**
 * Datagrams that a reader hands on to the server: a ring in shared memory. The reader writes, the
 * server's thread takes. When the ring is full a datagram is dropped, as if the network had lost it.
 */

import { DATAGRAM_BYTES } from "../protocol/datagram.ts";
import type { Arrivals, Peer } from "../protocol/socket.ts";

/** What was taken, what was put, and whether the server's thread has been called. */
const TAKEN_AT = 0;
const PUT_AT = 16;
const CALLED_AT = 32;
const HEAD_BYTES = 48 * Int32Array.BYTES_PER_ELEMENT;

/** Datagrams that may wait. */
const SLOTS = 256;
/** A slot: the datagram, the number of its listener, and the peer's address with its length. */
const LISTENER_AT = DATAGRAM_BYTES;
const PEER_LENGTH_AT = LISTENER_AT + 1;
const PEER_AT = PEER_LENGTH_AT + 1;
const MAX_PEER_BYTES = 30;
const SLOT_BYTES = PEER_AT + MAX_PEER_BYTES;
export const HANDOFF_BYTES = HEAD_BYTES + SLOTS * SLOT_BYTES;

/** Datagrams that the server takes at once. */
const MAX_BATCH = 32;

export class Handoff implements Arrivals {
  /** Datagrams at hand, at the same listener. */
  count = 0;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #datagrams: readonly Uint8Array[];
  #taken = 0;

  /** @param memory HANDOFF_BYTES */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, HEAD_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(memory, HEAD_BYTES);
    this.#datagrams = Array.from({ length: SLOTS }, (_, slot) => {
      const at = slot * SLOT_BYTES;
      return this.#bytes.subarray(at, at + DATAGRAM_BYTES);
    });
  }

  /**
   * The reader's side.
   * @param peer at most 30 bytes
   * @returns false if there is no room
   */
  put(datagram: Uint8Array, peer: Uint8Array, listener: number): boolean {
    const put = this.#words[PUT_AT];
    if (((put - Atomics.load(this.#words, TAKEN_AT)) | 0) >= SLOTS) return false;
    const at = slotOf(put) * SLOT_BYTES;
    this.#bytes.set(datagram, at);
    this.#bytes[at + LISTENER_AT] = listener;
    this.#bytes[at + PEER_LENGTH_AT] = peer.length;
    this.#bytes.set(peer, at + PEER_AT);
    Atomics.store(this.#words, PUT_AT, put + 1);
    return true;
  }

  /** Whether the server's thread must be called, to take what was put. */
  mustCall(): boolean {
    return Atomics.exchange(this.#words, CALLED_AT, 1) === 0;
  }

  /** The server's side: passes on all that are there, in batches with one listener each. */
  takeAll(receive: (arrivals: Arrivals, listener: number) => void): void {
    Atomics.store(this.#words, CALLED_AT, 0);
    const put = Atomics.load(this.#words, PUT_AT);
    this.#taken = this.#words[TAKEN_AT];
    while (this.#taken !== put) {
      const listener = this.#listenerOf(this.#taken);
      this.count = 1;
      while (
        this.count < MAX_BATCH && ((this.#taken + this.count) | 0) !== put &&
        this.#listenerOf(this.#taken + this.count) === listener
      ) this.count++;
      try {
        receive(this, listener);
      } finally {
        this.#taken = (this.#taken + this.count) | 0;
        Atomics.store(this.#words, TAKEN_AT, this.#taken);
      }
    }
  }

  datagram(i: number): Uint8Array {
    return this.#datagrams[slotOf(this.#taken + i)];
  }

  /** In the form of the reader's socket; it is copied, since it outlives the slot if it is kept. */
  peer(i: number): Peer {
    const at = slotOf(this.#taken + i) * SLOT_BYTES;
    return this.#bytes.slice(at + PEER_AT, at + PEER_AT + this.#bytes[at + PEER_LENGTH_AT]);
  }

  #listenerOf(entry: number): number {
    return this.#bytes[slotOf(entry) * SLOT_BYTES + LISTENER_AT];
  }
}

const slotOf = (entry: number): number => entry & (SLOTS - 1);
