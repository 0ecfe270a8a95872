/** A disk in memory, which takes its time, fails when it is told to, and keeps what it committed. */

import { type Change, readChanges } from "../../src/journal/change.ts";
import type { Disk } from "../../src/journal/disk.ts";

interface Commit {
  readonly changes: Uint8Array;
  resolve(): void;
  reject(error: Error): void;
}

export class FakeDisk implements Disk {
  /** By the key, one character a byte; expiries are in ms since 1970. */
  readonly items = new Map<string, Omit<Change, "isKept">>();
  /** Commits that were carried out, each with how many changes it had. */
  readonly sizes: number[] = [];
  /** Is told of each commit that is asked for. */
  onCommit: () => void = () => {};
  #waiting: Commit[] = [];

  commit(changes: Uint8Array<ArrayBuffer>): Promise<void> {
    const committed = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
    });
    this.onCommit();
    return committed;
  }

  /** Commits that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Carries the oldest commits out. */
  finish(count = this.#waiting.length): void {
    for (const { changes, resolve } of this.#waiting.splice(0, count)) {
      this.carryOut(changes);
      resolve();
    }
  }

  /** Fails all that wait. */
  fail(problem: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(problem));
  }

  /** The power goes: of what waits the oldest commits may have been carried out, whole. */
  crash(carriedOut: number): void {
    for (const { changes } of this.#waiting.splice(0).slice(0, carriedOut)) this.carryOut(changes);
  }

  carryOut(changes: Uint8Array): void {
    let count = 0;
    for (const change of readChanges(changes)) {
      const name = Buffer.from(change.key).toString("latin1");
      if (change.value === null) this.items.delete(name);
      else {this.items.set(name, {
          ...change,
          key: change.key.slice(),
          value: change.value.slice(),
        });}
      count++;
    }
    this.sizes.push(count);
  }

  /** The value of a key, as text; undefined if there is none. */
  text(key: string): string | undefined {
    const item = this.items.get(key);
    return item && new TextDecoder().decode(item.value ?? undefined);
  }
}
