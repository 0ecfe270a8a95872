/**
 * The master key, its text forms, and the two traffic keys derived from it.
 * Source: docs/WIRE.md, section 2; HKDF is RFC 5869.
 */

import { MasterKeyError } from "../errors.ts";
import { copyBytes } from "../bytes.ts";
import type { CryptoProvider } from "./crypto_provider.ts";
import type { Cipher } from "./seal.ts";

/** Bytes of a master key and of a traffic key. */
export const KEY_BYTES = 32;

const REQUEST_INFO = "kilogram/1 request";
const REPLY_INFO = "kilogram/1 reply";
const ID_INFO = "kilogram/1 id";
const ID_BYTES = 4;

const BASE64_FORM = /^[A-Za-z0-9+/]{43}=$/;
const HEX_FORM = /^[0-9A-Fa-f]{64}$/;

/** Draws a new master key of 32 bytes. */
export function generateKey(fillRandom: (bytes: Uint8Array) => void = fillFromKernel): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  fillRandom(key);
  return key;
}

/** Random bytes from the runtime's cryptographic source. */
export function fillFromKernel(bytes: Uint8Array): void {
  crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
}

/** A key as 44 characters of base64. */
export function encodeKey(key: Uint8Array): string {
  return btoa(String.fromCharCode(...key));
}

/**
 * The 32 bytes of a key given as bytes, as 44 characters of base64 or as 64 of hex; white space
 * around text is ignored.
 * @param what it is, for the error
 * @throws {MasterKeyError} for anything else; the message never contains the key
 */
export function decodeKey(key: string | Uint8Array, what = "This"): Uint8Array {
  if (key instanceof Uint8Array) {
    if (key.length === KEY_BYTES) return copyBytes(key);
    throw new MasterKeyError(`it has ${key.length} bytes, not ${KEY_BYTES}`, what);
  }
  if (typeof key !== "string") throw new MasterKeyError("it is neither text nor bytes", what);
  const text = key.trim();
  if (HEX_FORM.test(text)) {
    return Uint8Array.from(text.match(/../g) ?? [], (hex) => parseInt(hex, 16));
  }
  if (BASE64_FORM.test(text)) return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  if (text === "") throw new MasterKeyError("it is empty", what);
  const reason = `it is text of ${text.length} characters, and neither base64 nor hex`;
  throw new MasterKeyError(reason, what);
}

/**
 * What tells a key from others without telling the key: 8 digits of hex.
 * @internal
 */
export async function keyId(key: Uint8Array, provider: CryptoProvider): Promise<string> {
  const derived = await provider.deriveKey(key, ID_INFO);
  const digits = [...derived.subarray(0, ID_BYTES)].map((byte) =>
    byte.toString(16).padStart(2, "0")
  );
  return digits.join("");
}

/** The ciphers of the two directions. */
export interface TrafficCiphers {
  readonly requests: Cipher;
  readonly replies: Cipher;
}

/**
 * Derives the two traffic keys from a master key and makes their ciphers.
 * @param serverName the server that they are for; without it, the one server that has no name
 * @internal
 */
export async function trafficCiphers(
  masterKey: Uint8Array,
  provider: CryptoProvider,
  serverName?: string,
): Promise<TrafficCiphers> {
  const suffix = serverName === undefined ? "" : ` ${serverName}`;
  const cipherFor = async (info: string) =>
    provider.cipher(await provider.deriveKey(masterKey, info + suffix));
  const [requests, replies] = await Promise.all([cipherFor(REQUEST_INFO), cipherFor(REPLY_INFO)]);
  return { requests, replies };
}
