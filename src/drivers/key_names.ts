/**
 * The keys of a driver: names of any length behind a prefix. A name that would make a key too long is
 * replaced by its SHA-256, behind a zero byte, which no other name has.
 */

const encoder = new TextEncoder();
const HASHED = "\0";
/** Of UTF-8. */
const MAX_BYTES_A_CODE_UNIT = 3;

export class KeyNames {
  readonly prefix: string;
  readonly #maxBytes: number;

  /** @param maxBytes of a key: 128, or 117 for values in pieces */
  constructor(prefix: string, maxBytes: number) {
    this.prefix = prefix;
    this.#maxBytes = maxBytes;
  }

  /** The key of a name, at once unless it has to be replaced. */
  key(name: string): string | Promise<string> {
    const key = this.prefix + name;
    const isShort = key.length * MAX_BYTES_A_CODE_UNIT <= this.#maxBytes ||
      encoder.encode(key).length <= this.#maxBytes;
    return isShort ? key : this.#hashed(name);
  }

  async #hashed(name: string): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", encoder.encode(name));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
    return `${this.prefix}${HASHED}${hex.join("")}`;
  }

  /** The name of a key; undefined for a hash, for a piece of a value, and for another prefix. */
  name(key: string): string | undefined {
    const isName = key.startsWith(this.prefix) && !key.includes(HASHED);
    return isName ? key.slice(this.prefix.length) : undefined;
  }
}
