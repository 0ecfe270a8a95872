/**
 * The keys of a driver: names of any length behind a prefix. A name that would make a key too long is
 * replaced by its SHA-256, behind a zero byte, which no other name has.
 */

const encoder = new TextEncoder();
const HASHED = "\0";

export class KeyNames {
  readonly prefix: string;
  readonly #maxBytes: number;

  /** @param maxBytes of a key: 128, or 117 for values in pieces */
  constructor(prefix: string, maxBytes: number) {
    this.prefix = prefix;
    this.#maxBytes = maxBytes;
  }

  /** The key of a name. */
  async key(name: string): Promise<string> {
    const key = this.prefix + name;
    if (encoder.encode(key).length <= this.#maxBytes) return key;
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
