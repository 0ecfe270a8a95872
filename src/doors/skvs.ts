/**
 * The original wire, on the same executor as version 1. It has no protection against replay: anyone
 * who recorded a SET can replay it, so this wire is off by default.
 * Source: docs/WIRE.md, section 7.
 */

import { equalBytes } from "../bytes.ts";
import { Action } from "../execute/executor.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Cipher } from "../protocol/seal.ts";
import {
  MAX_SKVS_KEY_BYTES,
  MAX_SKVS_REPLY_VALUE_BYTES,
  MAX_SKVS_VALUE_BYTES,
  SKVS_KEY_AT,
  SKVS_REPLY_INFO,
  SKVS_REPLY_TAG_BYTES,
  SKVS_REPLY_VALUE_AT,
  SKVS_VALUE_AT,
  SkvsCommand,
  SkvsFlag,
  skvsFlagsOf,
  skvsLengthOf,
  SkvsStatus,
} from "../protocol/skvs.ts";
import { NonceStream } from "../protocol/nonces.ts";
import type { Counters } from "../statistics.ts";
import { copyRun } from "../store/copy.ts";
import { type Found, NONE, Result } from "../store/store.ts";
import type { MakeWire, Turn, Wire, WirePorts } from "../turn.ts";

export interface SkvsWireOptions {
  readonly provider: CryptoProvider;
  /** The key of the original wire, 32 bytes, for both directions. */
  readonly key: Uint8Array;
  /** Where its requests are counted. */
  readonly keySlot: number;
}

/** By command. */
const ACTIONS: Readonly<Record<SkvsCommand, Action>> = {
  [SkvsCommand.SET]: Action.SET,
  [SkvsCommand.GET]: Action.GET,
  [SkvsCommand.DELETE]: Action.DELETE,
  [SkvsCommand.EXISTS]: Action.EXISTS,
};

const ZERO = "0".charCodeAt(0);

/** The original wire under a key. */
export async function openSkvsWire(
  { provider, key, keySlot }: SkvsWireOptions,
): Promise<MakeWire> {
  const [cipher, derived] = await Promise.all([
    provider.cipher(key),
    provider.deriveKey(key, SKVS_REPLY_INFO),
  ]);
  const replyTag = derived.subarray(0, SKVS_REPLY_TAG_BYTES);
  return (ports) => new SkvsWire(cipher, replyTag, keySlot, ports);
}

class SkvsWire implements Wire {
  readonly keySlot: number;
  readonly requests: Cipher;
  readonly replies: Cipher;
  readonly isFenced = false;
  readonly frame: Uint8Array;
  readonly valueAt = SKVS_REPLY_VALUE_AT;
  readonly #counters: Counters;
  /** Begins the nonce of every reply, on every boot. */
  readonly #replyTag: Uint8Array;
  readonly #stream: NonceStream;
  /** Where a found value is put. */
  readonly #found: Found;
  /** The same, for a SET that returns what it stored, unless it finds a value and leaves it. */
  readonly #foundInstead: Found;

  constructor(
    cipher: Cipher,
    replyTag: Uint8Array,
    keySlot: number,
    { counters, fillRandom }: WirePorts,
  ) {
    this.keySlot = keySlot;
    this.requests = this.replies = cipher;
    this.frame = cipher.frame;
    this.#counters = counters;
    this.#replyTag = replyTag;
    this.#stream = NonceStream.forReplies(fillRandom);
    this.#found = {
      bytes: this.frame,
      start: SKVS_REPLY_VALUE_AT,
      room: MAX_SKVS_REPLY_VALUE_BYTES,
      length: NONE,
      expiresAtMs: 0,
    };
    this.#foundInstead = { ...this.#found };
  }

  /** With one key for both directions, a reply of any boot would pass for a request. */
  isOwnReply(datagram: Uint8Array): boolean {
    return equalBytes(datagram, 0, this.#replyTag, 0, SKVS_REPLY_TAG_BYTES);
  }

  takeNonce(reply: Uint8Array): void {
    this.#stream.take(reply);
    reply.set(this.#replyTag);
  }

  read(request: Uint8Array, turn: Turn): boolean {
    const { job } = turn;
    const command = request[0];
    const flags = skvsFlagsOf(request);
    const keyLength = skvsLengthOf(request, SKVS_KEY_AT, MAX_SKVS_KEY_BYTES);
    if (!isCommand(command) || keyLength === 0) {
      this.#counters.skvs++;
      conclude(turn, SkvsStatus.ERROR);
      return false;
    }
    job.action = ACTIONS[command];
    job.key.bytes = job.value.bytes = request;
    job.key.start = SKVS_KEY_AT;
    job.key.length = keyLength;
    job.value.start = SKVS_VALUE_AT;
    job.value.length = skvsLengthOf(request, SKVS_VALUE_AT, MAX_SKVS_VALUE_BYTES);
    job.overwrite = (flags & SkvsFlag.OVERWRITE) !== 0;
    job.ifEqual = false;
    job.expiresAtMs = 0;
    job.readsSettled = true;
    const tellsStored = command === SkvsCommand.SET && (flags & SkvsFlag.OLD) === 0;
    job.found = tellsStored ? this.#foundInstead : this.#found;
    return true;
  }

  conclude(turn: Turn): void {
    const { action, result, found } = turn.job;
    this.#counters.skvs++;
    const isRefused = result === Result.FULL || result === Result.UNAVAILABLE ||
      result === Result.UNKNOWN;
    if (isRefused) conclude(turn, SkvsStatus.ERROR);
    else if (action === Action.EXISTS) this.#concludeExists(turn);
    else if (result === Result.MISSING) conclude(turn, SkvsStatus.NOT_FOUND);
    else if (result === Result.DONE && found === this.#foundInstead) {
      this.#concludeWithStored(turn);
    } else this.#concludeWithFound(turn);
  }

  #concludeExists(turn: Turn): void {
    conclude(turn, SkvsStatus.OK, 1);
    this.frame[SKVS_REPLY_VALUE_AT] = ZERO + (turn.job.result === Result.DONE ? 1 : 0);
  }

  #concludeWithStored(turn: Turn): void {
    const { bytes, start, length } = turn.job.value;
    conclude(turn, SkvsStatus.OK, length);
    copyRun(bytes, start, this.frame, SKVS_REPLY_VALUE_AT, length);
  }

  #concludeWithFound(turn: Turn): void {
    const { length, room } = turn.job.found;
    if (length > room) conclude(turn, SkvsStatus.ERROR);
    else conclude(turn, SkvsStatus.OK, Math.max(0, length));
  }

  refuse(turn: Turn): void {
    conclude(turn, SkvsStatus.ERROR);
  }

  refuseEpoch(turn: Turn): void {
    this.refuse(turn);
  }

  tellDuplicate(turn: Turn): void {
    this.refuse(turn);
  }

  /** Writes the status, and zeros after the value that is there. */
  write({ outcome }: Turn): void {
    this.frame[0] = outcome.status;
    this.frame.fill(0, SKVS_REPLY_VALUE_AT + outcome.length);
  }
}

function isCommand(code: number): code is SkvsCommand {
  return code <= SkvsCommand.EXISTS;
}

function conclude({ outcome }: Turn, status: number, length = 0): void {
  outcome.status = status;
  outcome.toggles = 0;
  outcome.length = length;
  outcome.expiresAtMs = 0;
}
