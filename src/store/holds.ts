/**
 * Keys that readers must not answer for: their last change may still be taken back. A hash has one
 * of 16,384 counts; while it is not 0, readers leave all keys that share it to the writer.
 *
 * A hold begins before the change that it is for, and ends when the change is settled or has been taken
 * back. A reader looks for a hold between taking a version and checking it (versions.ts). So if it has read
 * a change, then it finds the hold, or the change is settled, or taking it back has raised the version.
 */

const HOLD_BITS = 14;
export const HOLDS = 2 ** HOLD_BITS;

/** The number of a hash's count. */
const placeOf = (hash: number): number => hash >>> (32 - HOLD_BITS);

/** The writer's side. Without readers it does nothing. */
export class Holds {
  readonly #counts: Int32Array;

  constructor(counts: Int32Array) {
    this.#counts = counts;
  }

  hold(hash: number): void {
    if (this.#counts.length > 0) Atomics.add(this.#counts, placeOf(hash), 1);
  }

  release(hash: number): void {
    if (this.#counts.length > 0) Atomics.sub(this.#counts, placeOf(hash), 1);
  }
}

/** Whether some key with this hash, or one beside it, is held. */
export function isHeld(counts: Int32Array, hash: number): boolean {
  return Atomics.load(counts, placeOf(hash)) !== 0;
}
