/** Changes that are made durable together, and how to take them back if that fails. */

import type { OnSettled, Refusal, Settlement } from "../execute/executor.ts";
import { type Change, changeBytes, type NewChange, readChanges, writeChange } from "./change.ts";
import { Undo } from "./undo.ts";

const MIN_BYTES = 16_384;
const MAX_REUSED_BYTES = 1024 * 1024;

export class Batch {
  /** The settlement that answers depending on this batch wait for. */
  readonly settlement: Settlement;
  /** The earlier states of keys whose changes may be refused. */
  readonly undo = new Undo();
  /** Whether some change may be refused: one with an earlier state, or a drop. */
  isAwaited = false;
  /** What is released when the batch is settled, one for each change that may be refused. */
  readonly holds: number[] = [];
  changes = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #onSettled: OnSettled[] = [];

  /** @param buffer of an earlier batch, to reuse */
  constructor(settlement: Settlement, buffer = new Uint8Array(MIN_BYTES)) {
    this.settlement = settlement;
    this.#bytes = buffer;
  }

  /** Bytes of the changes. */
  get length(): number {
    return this.#length;
  }

  /** Memory that the batch holds. */
  get heldBytes(): number {
    return this.#length + this.undo.bytes;
  }

  append(change: NewChange, isAwaited: boolean): void {
    const end = this.#length + changeBytes(change);
    if (end > this.#bytes.length) this.#grow(end);
    writeChange(this.#bytes, this.#length, change, isAwaited);
    this.isAwaited ||= isAwaited;
    this.#length = end;
    this.changes++;
  }

  whenSettled(onSettled: OnSettled): void {
    this.#onSettled.push(onSettled);
  }

  /** Tells all waiting callers that the batch is durable, or was taken back. */
  settle(refusal: Refusal | null): void {
    for (const onSettled of this.#onSettled.splice(0)) onSettled(refusal);
  }

  /** A copy of the changes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** The changes that nobody waits for. */
  *unawaited(): Generator<Change> {
    for (const change of readChanges(this.#bytes.subarray(0, this.#length))) {
      if (!change.isAwaited) yield change;
    }
  }

  /** The buffer, for another batch once this one has ended; undefined if it grew too much. */
  get buffer(): Uint8Array<ArrayBuffer> | undefined {
    return this.#bytes.length <= MAX_REUSED_BYTES ? this.#bytes : undefined;
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
