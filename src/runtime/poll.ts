/** Waits, with the whole thread, until one of some sockets has a datagram. Source: ppoll(2). */

import { LIBC, openLibrary, type Pointer, pointerTo } from "./foreign.ts";

interface Libc {
  ppoll(descriptors: Pointer, count: number, timeout: Pointer, signals: null): number;
}

const POLLIN = 1;

export class Poll {
  readonly #libc: Libc;
  readonly #count: number;
  /** Each is a struct pollfd: the descriptor, and what is awaited in the lower 16 bits of a word. */
  readonly #descriptors: Uint32Array<ArrayBuffer>;
  /** A struct timespec: seconds and nanoseconds, 64 bits each. */
  readonly #timeout = new Uint32Array(new ArrayBuffer(16));
  readonly #descriptorsAt: Pointer;
  readonly #timeoutAt = pointerTo(this.#timeout);

  private constructor(libc: Libc, descriptors: readonly number[]) {
    this.#libc = libc;
    this.#count = descriptors.length;
    this.#descriptors = new Uint32Array(new ArrayBuffer(descriptors.length * 8));
    for (const [i, descriptor] of descriptors.entries()) {
      this.#descriptors.set([descriptor, POLLIN], 2 * i);
    }
    this.#descriptorsAt = pointerTo(this.#descriptors);
  }

  /** Null where this is not Linux, or its C library is not a known one. */
  static of(descriptors: readonly number[]): Poll | null {
    const libc = openLibrary<Libc>(LIBC, {
      ppoll: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
    });
    return libc && new Poll(libc, descriptors);
  }

  /** Waits for at most some ms. */
  wait(timeoutMs: number): void {
    this.#timeout[0] = Math.floor(timeoutMs / 1_000);
    this.#timeout[2] = Math.floor((timeoutMs % 1_000) * 1e6);
    this.#libc.ppoll(this.#descriptorsAt, this.#count, this.#timeoutAt, null);
  }
}
