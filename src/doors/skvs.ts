/**
 * The original wire, answered onto the same store. It has no protection against replay: whoever
 * recorded a SET can play it again, which is why it is off until asked for.
 * Source: docs/WIRE.md, section 7.
 */

import type { Problem } from "../journal/batch.ts";
import { journaledOf, type JournaledStore, type Reads } from "../journal/journaled_store.ts";
import { copyBytes } from "../protocol/bytes.ts";
import { type Answered, DATAGRAM_BYTES, FRAME_BYTES, type Receive } from "../protocol/datagram.ts";
import { type Cipher, NO_ADDITIONAL_DATA } from "../protocol/seal.ts";
import {
  MAX_SKVS_KEY_BYTES,
  MAX_SKVS_REPLY_VALUE_BYTES,
  MAX_SKVS_VALUE_BYTES,
  SKVS_KEY_AT,
  SKVS_REPLY_VALUE_AT,
  SKVS_VALUE_AT,
  SkvsCommand,
  SkvsFlag,
  skvsFlagsOf,
  skvsLengthOf,
  SkvsStatus,
} from "../protocol/skvs.ts";
import { type FillRandom, NonceStream } from "../protocol/streams.ts";
import type { Counters } from "../statistics.ts";
import { type Found, NONE, Result, type Span, type Store } from "../store/store.ts";

export interface SkvsDoorOptions {
  /** Under the key of the original wire, for both directions. */
  readonly cipher: Cipher;
  readonly store: Store | JournaledStore;
  readonly counters: Counters;
  readonly fillRandom: FillRandom;
}

export class SkvsDoor {
  readonly #options: SkvsDoorOptions;
  readonly #journaled: JournaledStore | null;
  readonly #reads: Reads;
  readonly #replyStream: NonceStream;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  readonly #key: Span = { bytes: this.#frame, start: SKVS_KEY_AT, length: 0 };
  readonly #value: Span = { bytes: this.#frame, start: SKVS_VALUE_AT, length: 0 };
  readonly #found: Found = {
    bytes: this.#frame,
    start: SKVS_REPLY_VALUE_AT,
    room: MAX_SKVS_REPLY_VALUE_BYTES,
    length: NONE,
    expiresAtMs: 0,
  };

  constructor(options: SkvsDoorOptions) {
    this.#options = options;
    this.#journaled = journaledOf(options.store);
    this.#reads = this.#journaled?.durable ?? options.store;
    this.#replyStream = NonceStream.forReplies(options.fillRandom);
  }

  /** Answers a datagram of 1,024 bytes that authenticates under the original wire's key. */
  readonly receive: Receive = (datagram, reply) => {
    // Our own reply come back: with one key for both directions it would pass for a request.
    if (this.#replyStream.owns(datagram)) return false;
    const opened = this.#options.cipher.open(datagram, NO_ADDITIONAL_DATA);
    if (!(opened instanceof Promise)) return opened !== null && this.#answer(opened, reply);
    return this.#receiveLater(opened);
  };

  async #receiveLater(opening: Promise<Uint8Array | null>): Promise<Uint8Array | null> {
    const request = await opening;
    const reply = new Uint8Array(DATAGRAM_BYTES);
    const answered = request !== null && this.#answer(request, reply);
    if (answered instanceof Promise) return await answered;
    return answered ? reply : null;
  }

  #answer(request: Uint8Array, reply: Uint8Array): Answered {
    this.#options.counters.skvs++;
    this.#key.bytes = request;
    this.#key.length = skvsLengthOf(request, SKVS_KEY_AT, MAX_SKVS_KEY_BYTES);
    this.#value.bytes = request;
    this.#value.length = skvsLengthOf(request, SKVS_VALUE_AT, MAX_SKVS_VALUE_BYTES);
    if (this.#key.length === 0) this.#conclude(SkvsStatus.ERROR);
    else this.#perform(request);
    const pending = changes(request) ? this.#journaled?.pending() ?? null : null;
    return pending === null
      ? this.#reply(this.#frame, reply)
      : this.#replyOnceDurable(copyBytes(this.#frame), pending);
  }

  #reply(frame: Uint8Array, reply: Uint8Array): Answered {
    this.#replyStream.take(reply);
    const sealed = this.#options.cipher.seal(reply, frame, NO_ADDITIONAL_DATA);
    return sealed instanceof Promise ? sealed.then(() => reply) : true;
  }

  /** Sends an outcome once what it tells is durable; if that was taken back, an error. */
  async #replyOnceDurable(
    frame: Uint8Array,
    pending: Promise<Problem | null>,
  ): Promise<Uint8Array | null> {
    const problem = await pending;
    if (problem !== null) {
      frame.fill(0);
      frame[0] = SkvsStatus.ERROR;
    }
    const reply = new Uint8Array(DATAGRAM_BYTES);
    const answered = this.#reply(frame, reply);
    return answered instanceof Promise ? answered : reply;
  }

  #perform(request: Uint8Array): void {
    const { store } = this.#options;
    switch (request[0]) {
      case SkvsCommand.SET:
        this.#set(skvsFlagsOf(request));
        break;
      case SkvsCommand.GET:
        this.#concludeWithFound(this.#reads.get(this.#key, this.#found));
        break;
      case SkvsCommand.DELETE:
        this.#concludeWithFound(store.delete(this.#key, this.#found));
        break;
      case SkvsCommand.EXISTS:
        this.#exists();
        break;
      default:
        this.#conclude(SkvsStatus.ERROR);
    }
  }

  #set(flags: number): void {
    const overwrite = (flags & SkvsFlag.OVERWRITE) !== 0;
    const result = this.#options.store.set(this.#key, this.#value, 0, overwrite, this.#found);
    if (result === Result.FULL) this.#conclude(SkvsStatus.ERROR);
    else if (result === Result.PRESENT) this.#concludeWithFound(Result.DONE);
    else if ((flags & SkvsFlag.OLD) === 0) this.#concludeWithValue(this.#value);
    else if (this.#found.length === NONE) this.#conclude(SkvsStatus.OK);
    else this.#concludeWithFound(Result.DONE);
  }

  #exists(): void {
    const isThere = this.#reads.exists(this.#key, this.#found) === Result.DONE;
    this.#conclude(SkvsStatus.OK, 1);
    this.#frame[SKVS_REPLY_VALUE_AT] = (isThere ? "1" : "0").charCodeAt(0);
  }

  #concludeWithValue({ bytes, start, length }: Span): void {
    this.#conclude(SkvsStatus.OK, length);
    for (let i = 0; i < length; i++) this.#frame[SKVS_REPLY_VALUE_AT + i] = bytes[start + i];
  }

  #concludeWithFound(result: Result): void {
    const { length, room } = this.#found;
    if (result === Result.FULL) this.#conclude(SkvsStatus.ERROR);
    else if (result !== Result.DONE) this.#conclude(SkvsStatus.NOT_FOUND);
    else if (length > room) this.#conclude(SkvsStatus.ERROR);
    else this.#conclude(SkvsStatus.OK, length);
  }

  /** Writes the status, and zeros behind a value that is there already or comes next. */
  #conclude(status: number, valueLength = 0): void {
    this.#frame[0] = status;
    this.#frame.fill(0, SKVS_REPLY_VALUE_AT + valueLength);
  }
}

/** Whether a request may change the store. */
function changes(request: Uint8Array): boolean {
  return request[0] === SkvsCommand.SET || request[0] === SkvsCommand.DELETE;
}
