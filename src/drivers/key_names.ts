/**
 * The keys of a driver: names of any length behind a prefix. A name that would make a key too long, or has
 * a zero byte, is replaced by its SHA-256, behind a zero byte: so no name is taken for a hash or a piece.
 */

/** Of a key; of one whose value may be in pieces (docs/WIRE.md, sections 4 and 8). */
export const MAX_KEY_BYTES = 128;
export const MAX_LARGE_KEY_BYTES = 117;

const encoder = new TextEncoder();
const HASHED = "\0";
/** The zero byte, and SHA-256 in hexadecimal. */
const HASHED_BYTES = 65;
/** Of UTF-8. */
const MAX_BYTES_A_CODE_UNIT = 3;

export class KeyNames {
  readonly prefix: string;
  readonly #maxBytes: number;

  /** @param maxBytes of a key: one of those above */
  constructor(prefix: string, maxBytes: number) {
    this.prefix = prefix;
    this.#maxBytes = maxBytes;
  }

  /** The key of a name, at once unless it has to be replaced. */
  key(name: string): string | Promise<string> {
    const key = this.prefix + name;
    const isShort = key.length * MAX_BYTES_A_CODE_UNIT <= this.#maxBytes ||
      encoder.encode(key).length <= this.#maxBytes;
    return isShort && !name.includes(HASHED) ? key : this.#hashed(name);
  }

  async #hashed(name: string): Promise<string> {
    const prefixBytes = encoder.encode(this.prefix).length;
    if (prefixBytes + HASHED_BYTES > this.#maxBytes) {
      // No error of the library, which would be all that a limiter's store takes of it.
      throw new RangeError(
        `The prefix has ${prefixBytes} bytes; for keys that are too long to be stored as they are it has ` +
          `at most ${this.#maxBytes - HASHED_BYTES}.`,
      );
    }
    const digest = await crypto.subtle.digest("SHA-256", encoder.encode(name));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
    return `${this.prefix}${HASHED}${hex.join("")}`;
  }

  /** The name of a key; undefined for a hash, for a piece of a value, and for another prefix. */
  name(key: string): string | undefined {
    if (!key.startsWith(this.prefix)) return undefined;
    const name = key.slice(this.prefix.length);
    return name.includes(HASHED) ? undefined : name;
  }
}
