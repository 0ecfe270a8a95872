/** Received bytes of a connection that were not consumed yet, in one contiguous run. */

import { Buffer } from "node:buffer";

const MIN_BYTES = 1_024;
/** A buffer less than a quarter in use is replaced by a smaller one. */
const MIN_USE = 4;

const NOTHING = Buffer.alloc(0);

export class Unread {
  bytes = NOTHING;
  /** The unread bytes are those from `start` to `end` of `bytes`. */
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /** Memory held. */
  get heldBytes(): number {
    return this.bytes.length;
  }

  clear(): void {
    this.bytes = NOTHING;
    this.start = this.end = 0;
  }

  /** Makes a run of bytes the unread ones; it may be the rest of the current ones. */
  keep(bytes: Buffer, start: number, end: number): void {
    if (start === end) {
      this.clear();
    } else if (bytes === this.bytes && MIN_USE * (end - start) >= bytes.length) {
      this.start = start;
    } else {
      this.bytes = Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, end - start));
      this.start = 0;
      this.end = bytes.copy(this.bytes, 0, start, end);
    }
  }

  append(chunk: Buffer): void {
    const { length } = this;
    if (this.end + chunk.length > this.bytes.length) {
      const fits = length + chunk.length <= this.bytes.length;
      const capacity = Math.max(MIN_BYTES, 2 * this.bytes.length, length + chunk.length);
      const target = fits ? this.bytes : Buffer.allocUnsafeSlow(capacity);
      this.bytes.copy(target, 0, this.start, this.end);
      this.bytes = target;
      this.start = 0;
      this.end = length;
    }
    this.end += chunk.copy(this.bytes, this.end);
  }
}
