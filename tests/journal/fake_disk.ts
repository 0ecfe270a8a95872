/** A disk in memory: it takes its time, fails when told to, and keeps what it committed. */

import { Kind, readChanges } from "../../src/journal/change.ts";
import type { Disk } from "../../src/journal/disk.ts";
import type { StoredItem } from "../../src/journal/journal_executor.ts";

interface Commit {
  readonly changes: Uint8Array;
  resolve(): void;
  reject(error: Error): void;
}

export class FakeDisk implements Disk {
  /** By key, one character per byte; expiries are in ms since 1970. */
  readonly items = new Map<string, StoredItem>();
  /** The number of changes in each commit that was carried out. */
  readonly sizes: number[] = [];
  /** Called for each requested commit. */
  onCommit: () => void = () => {};
  #waiting: Commit[] = [];

  commit(changes: Uint8Array<ArrayBuffer>): Promise<void> {
    const committed = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
    });
    this.onCommit();
    return committed;
  }

  /** The number of commits that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Carries out the oldest commits. */
  finish(count = this.#waiting.length): void {
    for (const { changes, resolve } of this.#waiting.splice(0, count)) {
      this.carryOut(changes);
      resolve();
    }
  }

  /** Fails all waiting commits. */
  fail(problem: string): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(problem));
  }

  /** The power fails: the oldest waiting commits may have been carried out, each whole. */
  crash(carriedOut: number): void {
    for (const { changes } of this.#waiting.splice(0).slice(0, carriedOut)) this.carryOut(changes);
  }

  carryOut(changes: Uint8Array): void {
    let count = 0;
    for (const { kind, key, value, expiresAtMs } of readChanges(changes)) {
      const name = Buffer.from(key).toString("latin1");
      const item = this.items.get(name);
      if (kind === Kind.DROPPED) {
        for (const each of this.items.keys()) if (each.startsWith(name)) this.items.delete(each);
      } else if (kind === Kind.DELETED) this.items.delete(name);
      else if (kind === Kind.STORED) {
        this.items.set(name, { key: key.slice(), value: value.slice(), expiresAtMs });
      } else if (item !== undefined) this.items.set(name, { ...item, expiresAtMs });
      count++;
    }
    this.sizes.push(count);
  }

  /** The value of a key, as text; undefined if there is none. */
  text(key: string): string | undefined {
    const item = this.items.get(key);
    return item && new TextDecoder().decode(item.value);
  }
}
