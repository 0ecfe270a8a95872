/**
 * AES-256-GCM by the system's OpenSSL, through bun:ffi. node:crypto makes two objects for each
 * datagram, and making and collecting them is half of the path; here a datagram makes no object.
 * Where there is no libcrypto.so.3, node_crypto.ts is used. Keys and random bytes come from Web Crypto.
 * Source: EVP_EncryptInit(3).
 */

import { FRAME_BYTES, NONCE_BYTES, TAG_AT, TAG_BYTES } from "../protocol/datagram.ts";
import { EPOCH_BYTES } from "../protocol/epoch.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Cipher } from "../protocol/seal.ts";
import { openLibrary, type Pointer, pointerNow, pointerTo } from "./foreign.ts";
import { webCrypto } from "./web_crypto.ts";

const NAMES = ["libcrypto.so.3"];

interface Evp {
  EVP_aes_256_gcm(): Pointer;
  EVP_CIPHER_CTX_new(): Pointer | null;
  EVP_CIPHER_CTX_free(context: Pointer): void;
  EVP_CipherInit_ex(
    context: Pointer,
    cipher: Pointer | null,
    engine: null,
    key: Pointer | null,
    nonce: Pointer | null,
    isSealing: number,
  ): number;
  EVP_CipherUpdate(
    context: Pointer,
    into: Pointer | null,
    written: Pointer,
    from: Pointer,
    bytes: number,
  ): number;
  EVP_CipherFinal_ex(context: Pointer, into: Pointer, written: Pointer): number;
  EVP_CIPHER_CTX_ctrl(context: Pointer, command: number, bytes: number, tag: Pointer): number;
}

/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const DONE = 1;

// What OpenSSL reads and writes besides datagrams is in one block of memory.
const KEY_AT = 0;
const KEY_BYTES = 32;
const WRITTEN_AT = KEY_AT + KEY_BYTES;
const ADDITIONAL_AT = WRITTEN_AT + 8;
/** The frame that is sealed, and the frame that was opened. */
const FRAME_AT = ADDITIONAL_AT + EPOCH_BYTES;
const OPENED_AT = FRAME_AT + FRAME_BYTES;
/** Room for the end of a message, where GCM writes nothing. */
const REST_AT = OPENED_AT + FRAME_BYTES;
const MEMORY_BYTES = REST_AT + TAG_BYTES;

/** Opened once per process, as is the registry, which must outlive the contexts. */
let opened: CryptoProvider | null | undefined;

/** Null where this machine has no suitable OpenSSL. */
export function openOpenssl(): CryptoProvider | null {
  return opened ??= openLibcrypto();
}

function openLibcrypto(): CryptoProvider | null {
  const evp = openLibrary<Evp>(NAMES, {
    EVP_aes_256_gcm: { args: [], returns: "ptr" },
    EVP_CIPHER_CTX_new: { args: [], returns: "ptr" },
    EVP_CIPHER_CTX_free: { args: ["ptr"], returns: "void" },
    EVP_CipherInit_ex: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "i32"], returns: "i32" },
    EVP_CipherUpdate: { args: ["ptr", "ptr", "ptr", "ptr", "i32"], returns: "i32" },
    EVP_CipherFinal_ex: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
    EVP_CIPHER_CTX_ctrl: { args: ["ptr", "i32", "i32", "ptr"], returns: "i32" },
  });
  if (evp === null || !hasAesGcm(evp)) return null;
  const contexts = new FinalizationRegistry<Pointer>((context) => evp.EVP_CIPHER_CTX_free(context));
  return {
    ...webCrypto,
    name: "OpenSSL",
    cipher(key) {
      const cipher = new OpensslCipher(evp, key);
      for (const context of cipher.contexts) contexts.register(cipher, context);
      return Promise.resolve(cipher);
    },
  };
}

/** A policy of the machine may have disabled it. */
function hasAesGcm(evp: Evp): boolean {
  try {
    const { contexts } = new OpensslCipher(evp, new Uint8Array(KEY_BYTES));
    for (const context of contexts) evp.EVP_CIPHER_CTX_free(context);
    return true;
  } catch {
    return false;
  }
}

class OpensslCipher implements Cipher {
  /** Freed after this cipher. */
  readonly contexts: readonly Pointer[];
  readonly #evp: Evp;
  readonly #sealing: Pointer;
  readonly #opening: Pointer;
  readonly #memory = new Uint8Array(new ArrayBuffer(MEMORY_BYTES));
  readonly #at = pointerTo(this.#memory);
  readonly #additional = this.#memory.subarray(ADDITIONAL_AT, FRAME_AT);
  readonly frame = this.#memory.subarray(FRAME_AT, OPENED_AT);
  readonly #opened = this.#memory.subarray(OPENED_AT, REST_AT);

  constructor(evp: Evp, key: Uint8Array) {
    this.#evp = evp;
    this.#memory.set(key, KEY_AT);
    this.#sealing = this.#makeContext(1);
    this.#opening = this.#makeContext(0);
    this.#memory.fill(0, KEY_AT, KEY_AT + KEY_BYTES);
    this.contexts = [this.#sealing, this.#opening];
  }

  seal(datagram: Uint8Array, additionalData: Uint8Array): void {
    const evp = this.#evp;
    const context = this.#sealing;
    const at = this.#at;
    const to = pointerNow(datagram);
    const isSealed = this.#begin(context, 1, to, additionalData) &&
      this.#update(context, to + NONCE_BYTES, at + FRAME_AT, FRAME_BYTES) &&
      evp.EVP_CipherFinal_ex(context, at + REST_AT, at + WRITTEN_AT) === DONE &&
      evp.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG_BYTES, to + TAG_AT) === DONE;
    if (!isSealed) throw new Error("OpenSSL could not seal a datagram");
  }

  open(datagram: Uint8Array, additionalData: Uint8Array): Uint8Array | null {
    const evp = this.#evp;
    const context = this.#opening;
    const at = this.#at;
    const from = pointerNow(datagram);
    const isOpened = this.#begin(context, 0, from, additionalData) &&
      this.#update(context, at + OPENED_AT, from + NONCE_BYTES, FRAME_BYTES) &&
      evp.EVP_CIPHER_CTX_ctrl(context, SET_TAG, TAG_BYTES, from + TAG_AT) === DONE &&
      evp.EVP_CipherFinal_ex(context, at + REST_AT, at + WRITTEN_AT) === DONE;
    return isOpened ? this.#opened : null;
  }

  /** Makes a context that has its key; each message sets its nonce. */
  #makeContext(isSealing: number): Pointer {
    const evp = this.#evp;
    const context = evp.EVP_CIPHER_CTX_new();
    const key = this.#at + KEY_AT;
    const isKeyed = context !== null &&
      evp.EVP_CipherInit_ex(context, evp.EVP_aes_256_gcm(), null, key, null, isSealing) === DONE;
    if (!isKeyed) throw new Error("OpenSSL has no AES-256-GCM");
    return context;
  }

  /** @param nonce where the nonce is: it begins the datagram */
  #begin(
    context: Pointer,
    isSealing: number,
    nonce: Pointer,
    additionalData: Uint8Array,
  ): boolean {
    if (this.#evp.EVP_CipherInit_ex(context, null, null, null, nonce, isSealing) !== DONE) {
      return false;
    }
    if (additionalData.length === 0) return true;
    this.#additional.set(additionalData);
    return this.#update(context, null, this.#at + ADDITIONAL_AT, additionalData.length);
  }

  #update(context: Pointer, into: Pointer | null, from: Pointer, bytes: number): boolean {
    return this.#evp.EVP_CipherUpdate(context, into, this.#at + WRITTEN_AT, from, bytes) === DONE;
  }
}
