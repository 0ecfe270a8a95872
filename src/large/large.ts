/**
 * Values of up to 1 MiB, from calls for values of up to 863 bytes. What fits a datagram is stored as by
 * `set`, and costs as much. A larger value is compressed, and if that is not enough cut into pieces, each
 * under a key of its own. Its key has a head, written last, which names them: so a reader sees the value
 * before or the value after, whole. A piece that is missing, evicted perhaps, is a miss.
 * Source: docs/WIRE.md, section 8.
 */

import {
  jsonText,
  type Key,
  keyBytes,
  ownBytes,
  parseJson,
  ttlOf,
  type Value,
} from "../arguments.ts";
import { sameBytes } from "../bytes.ts";
import type { Abortable, Deadline, ItemResult, NoDeadline } from "../call_options.ts";
import type { Calls } from "../client.ts";
import { InvalidArgumentError, KilogramError, TooLargeError } from "../errors.ts";
import { inParallel } from "../in_parallel.ts";
import { checkOptions } from "../known_options.ts";
import { MAX_VALUE_BYTES, MAX_VALUE_BYTES_WITH_TTL } from "../protocol/frame.ts";
import {
  HEAD_BYTES,
  ID_BYTES,
  type Inline,
  inlineHead,
  isPieces,
  joined,
  looksLikeHead,
  MAX_LARGE_BYTES,
  MAX_LARGE_KEY_BYTES,
  pieceKeys,
  pieceOf,
  type Pieces,
  piecesHead,
  readHead,
} from "./head.ts";
import { deflated, hasSum, inflated, sumOf } from "./packing.ts";

/** When a call of several datagrams gives up: as with other calls, but for all of them together. */
export type LargeCallOptions = (Deadline | NoDeadline) & Abortable;

export interface LargeSetOptions {
  /** Milliseconds; without it, for ever. A value in pieces should have one: see `largeValues`. */
  readonly ttl?: number;
  /** Replace an existing value; without it, an existing key is left as it is. */
  readonly overwrite?: boolean;
}

export interface LargeOptions {
  /**
   * Whether values that do not fit a datagram are compressed; by default they are. Compression lets
   * the number of datagrams tell something of a value, also of a secret beside text that others chose.
   */
  readonly compress?: boolean;
}

/** A value in pieces was not stored: some pieces could not be. The value before is still there. */
export class PiecesError extends KilogramError {
  constructor(key: Key, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const call = { operation: "large.set", key: keyBytes(key) };
    super("PIECES", `large.set: not all pieces could be stored: ${why}`, { cause, call });
  }
}

/** Pieces live longer than their head by this, so that a value that is there can be read. */
const GRACE_MS = 10_000;
const MAX_TTL_MS = Number.MAX_SAFE_INTEGER;
/** Datagrams under way for one value. */
const PARALLEL = 32;
const LIMITS = ["timeout", "deadline", "signal"] as const;
const CALL_OPTIONS: ReadonlySet<string> = new Set(LIMITS);
const SET_OPTIONS: ReadonlySet<string> = new Set([...LIMITS, "ttl", "overwrite"]);
const TOUCH_OPTIONS: ReadonlySet<string> = new Set([...LIMITS, "ttl"]);

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Calls for values of up to 1 MiB, beside those of a view.
 *
 * ```ts
 * const kv = (await connect("127.0.0.1:4040", { key })).within(500);
 * const large = largeValues(kv);
 * await large.set("page:7", "<p>long</p>".repeat(5_000), { ttl: 60_000, overwrite: true });
 * console.log((await large.getText("page:7"))?.length); // 55000
 * console.log(await large.delete("page:7")); // true
 * kv.close();
 * ```
 *
 * Values that `set` and the doors stored are read, too, if they have at most 863 bytes. What these calls
 * stored is read by these calls (and by `kg`), with any client of the same server or servers; to `get` and
 * to the doors a value that does not fit a datagram is a head of some bytes. Give values a time to live:
 * if a process ends while it stores one that never expires, or a call's outcome is unknown, pieces stay until
 * they are evicted. A key of which a piece is gone still exists: `set` without `overwrite` leaves it as it is.
 * @param kv a view: `client.within(500)`
 */
export function largeValues(kv: Calls<true>, options: LargeOptions = {}): LargeValues {
  checkOptions("largeValues", options, new Set(["compress"]));
  return new LargeValues(kv, options.compress ?? true);
}

export class LargeValues {
  readonly #kv: Calls<true>;
  readonly #compresses: boolean;

  /** @internal */
  constructor(kv: Calls<true>, compresses: boolean) {
    this.#kv = kv;
    this.#compresses = compresses;
  }

  /**
   * The value of a key; undefined when there is no such key, or when a piece of it is gone.
   * @throws {TooLargeError} for a value of over 863 bytes that a door stored
   */
  async get(key: Key, options?: LargeCallOptions): Promise<Uint8Array | undefined> {
    const limits = this.#limits("get", options, CALL_OPTIONS);
    const own = keyBytes(key);
    let stored = await this.#kv.get(own, limits);
    // As almost always.
    if (stored === undefined || !looksLikeHead(stored)) return stored;
    // Each round is a call at least, and so ends with the deadline.
    while (stored !== undefined) {
      const value = await this.#valueOf(own, stored, limits);
      if (value !== undefined) return value;
      // It may have been replaced meanwhile; otherwise something of it is gone.
      const again: Uint8Array | undefined = await this.#kv.get(own, limits);
      if (again === undefined || sameBytes(again, stored)) return undefined;
      stored = again;
    }
    return undefined;
  }

  /** The value as UTF-8 text; otherwise like `get`. */
  async getText(key: Key, options?: LargeCallOptions): Promise<string | undefined> {
    const value = await this.get(key, options);
    return value === undefined ? undefined : decoder.decode(value);
  }

  /**
   * The value, parsed from its JSON text; otherwise like `get`.
   * @throws {NotJsonError} when the value is not JSON
   */
  async getJson<T = unknown>(key: Key, options?: LargeCallOptions): Promise<T | undefined> {
    const text = await this.getText(key, options);
    return text === undefined ? undefined : parseJson("large.getJson", key, text) as T;
  }

  /**
   * Stores a value of at most 1 MiB. A key that exists is replaced only with `overwrite: true`.
   * @param key 1 to 117 bytes if the value is stored in pieces, otherwise to 128
   * @returns whether it was stored
   * @throws {PiecesError} when not all pieces could be stored; the value before is still there
   */
  async set(
    key: Key,
    value: Value,
    options: LargeSetOptions & LargeCallOptions = {},
  ): Promise<boolean> {
    const limits = this.#limits("set", options, SET_OPTIONS);
    const { ttl, overwrite = false } = options;
    const own = keyBytes(key);
    const given = ownBytes("value", value);
    ttlOf(options);
    if (given.length > MAX_LARGE_BYTES) throw valueError(given);
    const inline = await this.#inline(given, ttl);
    if (inline !== null) return await this.#setHead(own, inline, { ttl, overwrite }, limits);
    // Looked at beforehand, since the pieces would be stored in vain.
    if (!overwrite && await this.#kv.exists(own, limits) !== undefined) return false;
    return await this.#setPieces(own, given, { ttl, overwrite }, limits);
  }

  /** Stores a value as its JSON text; otherwise like `set`. */
  async setJson(
    key: Key,
    value: unknown,
    options: LargeSetOptions & LargeCallOptions = {},
  ): Promise<boolean> {
    return await this.set(key, jsonText(key, value), options);
  }

  /** Removes a key. @returns whether there was one */
  async delete(key: Key, options?: LargeCallOptions): Promise<boolean> {
    const limits = this.#limits("delete", options, CALL_OPTIONS);
    const own = keyBytes(key);
    const before = await unlessDone(this.#kv.delete(own, limits));
    if (before !== null) await this.#removePieces(own, before, limits);
    return before !== undefined;
  }

  /**
   * The value of a head that was removed by itself, whose pieces are removed now.
   * @param isWanted whether the value is to be read before
   * @returns null if it is not wanted, or a piece is gone
   * @internal
   */
  async take(key: Uint8Array, head: Uint8Array, isWanted: boolean): Promise<Uint8Array | null> {
    const limits = this.#limits("take", undefined, CALL_OPTIONS);
    try {
      return isWanted ? await this.#valueOf(key, head, limits) ?? null : null;
    } finally {
      await this.#removePieces(key, head, limits);
    }
  }

  /** Sets how long a key lives from now: without `ttl` for ever. @returns whether there is one */
  async touch(
    key: Key,
    options: { readonly ttl?: number } & LargeCallOptions = {},
  ): Promise<boolean> {
    const limits = this.#limits("touch", options, TOUCH_OPTIONS);
    const { ttl } = options;
    const own = keyBytes(key);
    const item = await this.#itemOf(own, limits);
    const head = item === undefined ? null : readHead(item.value);
    const touchHead = () => this.#kv.touch(own, { ...limits, ttl });
    if (!isPieces(head)) return await touchHead();
    const touchPieces = () =>
      inParallel(pieceKeys(own, head), PARALLEL, async (piece) => {
        await this.#kv.touch(piece, { ...limits, ttl: pieceTtl(ttl, limits) });
      });
    // In such an order that the head does not outlive its pieces, even if a call fails.
    const isShorter = ttl !== undefined && ttl < (item?.ttl ?? Number.POSITIVE_INFINITY);
    if (!isShorter) await touchPieces();
    const isThere = await touchHead();
    if (isShorter && isThere) await touchPieces();
    return isThere;
  }

  /** What is under a key; undefined also for what a door stored and is too large, which is no head. */
  async #itemOf(key: Uint8Array, limits: Limits): Promise<ItemResult | undefined> {
    try {
      return await this.#kv.getItem(key, limits);
    } catch (error) {
      if (error instanceof TooLargeError) return undefined;
      throw error;
    }
  }

  /** What to store for a value that fits a datagram, perhaps compressed; null if it does not fit. */
  async #inline(value: Uint8Array, ttl: number | undefined): Promise<Uint8Array | null> {
    const room = ttl === undefined ? MAX_VALUE_BYTES : MAX_VALUE_BYTES_WITH_TTL;
    const fits = (bytes: Uint8Array) => bytes.length <= room ? bytes : null;
    if (!looksLikeHead(value) && fits(value) !== null) return value;
    const plain = fits(inlineHead({ bytes: value, isDeflated: false }));
    if (plain !== null || !this.#compresses) return plain;
    const packed = await deflated(value);
    return packed && fits(inlineHead({ bytes: packed, isDeflated: true }));
  }

  async #setHead(
    key: Uint8Array,
    head: Uint8Array,
    { ttl, overwrite }: Required<Pick<LargeSetOptions, "overwrite">> & LargeSetOptions,
    limits: Limits,
  ): Promise<boolean> {
    const result = await unlessDone(
      this.#kv.set(key, head, { ...limits, ttl, overwrite, old: overwrite }),
    );
    if (result?.stored) await this.#removePieces(key, result.previous, limits);
    return result === null || result.stored;
  }

  async #setPieces(
    key: Uint8Array,
    value: Uint8Array,
    options: Required<Pick<LargeSetOptions, "overwrite">> & LargeSetOptions,
    limits: Limits,
  ): Promise<boolean> {
    if (key.length > MAX_LARGE_KEY_BYTES) throw keyError(key);
    const packed = this.#compresses ? await deflated(value) : null;
    const stored = packed ?? value;
    const head: Pieces = {
      id: crypto.getRandomValues(new Uint8Array(ID_BYTES)),
      ...{ storedBytes: stored.length, sizeBytes: value.length, isDeflated: packed !== null },
      sum: await sumOf(value),
    };
    const keys = pieceKeys(key, head);
    if (!await this.#storePieces(key, stored, keys, options.ttl, limits)) return false;
    try {
      const isStored = await this.#setHead(key, piecesHead(head), options, limits);
      if (!isStored) await this.#removeAll(keys, limits);
      return isStored;
    } catch (error) {
      // If the head may be there, its pieces must be.
      if (error instanceof KilogramError && error.effect === "none") this.#giveUp(keys);
      throw error;
    }
  }

  /**
   * @returns false if a piece's server is down, and the client takes that for a miss
   * @throws {PiecesError}
   */
  async #storePieces(
    key: Uint8Array,
    stored: Uint8Array,
    keys: readonly Uint8Array[],
    ttl: number | undefined,
    limits: Limits,
  ): Promise<boolean> {
    const entries = keys.map((piece, number) => [piece, pieceOf(stored, number)] as const);
    const options = { ...limits, ttl: pieceTtl(ttl, limits), overwrite: true };
    try {
      const results = await this.#kv.setMany(entries, options);
      const isWhole = [...results.values()].every((each) => each.stored);
      if (!isWhole) this.#giveUp(keys);
      return isWhole;
    } catch (cause) {
      this.#giveUp(keys);
      throw new PiecesError(key, cause);
    }
  }

  /** The value that is stored as some bytes; undefined if a piece is missing or something is altered. */
  async #valueOf(
    key: Uint8Array,
    stored: Uint8Array,
    limits: Limits,
  ): Promise<Uint8Array | undefined> {
    const head = readHead(stored);
    if (head === null) return undefined;
    if (!isPieces(head)) return await unpacked(head) ?? undefined;
    const keys = pieceKeys(key, head);
    const found = await this.#kv.getMany(keys, limits);
    if (found.size < keys.length) return undefined;
    const bytes = joined([...found.values()], head);
    const value = bytes && await unpacked({ bytes, isDeflated: head.isDeflated });
    const isWhole = value !== null && value.length === head.sizeBytes &&
      await hasSum(value, head.sum);
    return isWhole ? value : undefined;
  }

  /** Removes the pieces of a value that was replaced or removed, if it had some. */
  async #removePieces(
    key: Uint8Array,
    before: Uint8Array | undefined,
    limits: Limits,
  ): Promise<void> {
    if (before === undefined || before.length !== HEAD_BYTES) return;
    const head = readHead(before);
    if (isPieces(head)) await this.#removeAll(pieceKeys(key, head), limits);
  }

  /** Removes pieces that nothing names, after the call, whose time may be over, has failed. */
  #giveUp(keys: readonly Uint8Array[]): void {
    void this.#removeAll(keys, { deadline: Date.now() + this.#kv.timeoutMs });
  }

  /** As far as possible: pieces that stay are never read, and expire or are evicted. */
  async #removeAll(keys: readonly Uint8Array[], limits: Limits): Promise<void> {
    await this.#kv.deleteMany(keys, limits).catch(() => {});
  }

  /** What limits all calls together. */
  #limits(
    name: string,
    options: LargeCallOptions | undefined,
    known: ReadonlySet<string>,
  ): Limits {
    if (options !== undefined) checkOptions(`large.${name}`, options, known);
    const { timeout = this.#kv.timeoutMs, deadline, signal } = options ?? {};
    return { deadline: deadline ?? Date.now() + timeout, signal };
  }
}

type Limits = { readonly deadline: number; readonly timeout?: undefined } & Abortable;

/**
 * The result of a change; null if it was made, but what a door had stored there is too large to be told.
 * That is no head, and has no pieces.
 */
async function unlessDone<T>(change: Promise<T>): Promise<T | null> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof TooLargeError && error.effect === "done") return null;
    throw error;
  }
}

/** @returns null if it can't be decompressed */
async function unpacked({ bytes, isDeflated }: Inline): Promise<Uint8Array | null> {
  return isDeflated ? await inflated(bytes) : bytes;
}

/** The head's time begins after that of the pieces, before the call is over. */
function pieceTtl(ttl: number | undefined, { deadline }: Limits): number | undefined {
  if (ttl === undefined) return undefined;
  const callMs = Math.max(0, Math.ceil(deadline - Date.now()));
  return Math.min(MAX_TTL_MS, ttl + GRACE_MS + callMs);
}

function valueError(value: Uint8Array): InvalidArgumentError {
  return new InvalidArgumentError(
    `The value has ${value.length} bytes; a large value has at most ${MAX_LARGE_BYTES}.`,
  );
}

function keyError(key: Uint8Array): InvalidArgumentError {
  return new InvalidArgumentError(
    `The key has ${key.length} bytes; that of a value in pieces has at most ${MAX_LARGE_KEY_BYTES}.`,
  );
}
