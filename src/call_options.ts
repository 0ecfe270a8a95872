/** What callers pass to calls, and what they get back. */

import type { TimeToLive, Value } from "./arguments.ts";

/** When a call gives up: after a number of milliseconds, or at a time as given by `Date.now()`. */
export type Deadline =
  | { readonly timeout: number; readonly deadline?: undefined }
  | { readonly deadline: number; readonly timeout?: undefined };

/** No deadline of its own: only for views made by `within`. */
export type NoDeadline = { readonly timeout?: number; readonly deadline?: undefined };

/** What every call takes besides its deadline. */
export interface Abortable {
  /** Ends the call with an AbortedError; a mutation that was sent may have been carried out. */
  readonly signal?: AbortSignal;
}

/** The last argument of a call: required if there is no default deadline, otherwise optional. */
export type Options<HasDeadline extends boolean, Own = unknown> = HasDeadline extends true
  ? [options?: (Deadline | NoDeadline) & Abortable & Own]
  : [options: Deadline & Abortable & Own];

/** Options that any call may have. */
export type CallOptions = Partial<Record<"timeout" | "deadline", number>> & Abortable;

/** Of a set of one key or of many. */
export interface StoreOptions extends TimeToLive {
  /** Replace an existing value; without it, an existing key is left as it is. */
  readonly overwrite?: boolean;
  /** Return the value that was replaced. */
  readonly old?: boolean;
}

/** Of a set of one key. */
export interface SetOptions extends StoreOptions {
  /**
   * Replace the value only if it is this one: check `stored`. It goes with neither `overwrite` nor
   * `old`; both values together have at most 861 bytes (853 with a time to live). As always, the time
   * to live is replaced too: without `ttl` the key never expires.
   */
  readonly ifEqual?: Value;
}

/** Of `stats`. */
export interface StatsOptions {
  /** One of those that `server` lists, which is the default. */
  readonly section?: string;
}

/** Of `delete`. */
export interface DeleteOptions {
  /** Remove the key only if its value is this one, of at most 861 bytes. */
  readonly ifEqual?: Value;
}

/** Of `remember` and `rememberJson`. */
export interface RememberOptions extends TimeToLive {
  /**
   * Milliseconds after which another caller may load the value if the first has not finished:
   * somewhat more than the loader takes. By default half of the call's time.
   */
  readonly lease?: number;
}

/**
 * The outcome of a set: stored, or not, because the key exists and `overwrite` was not given, or
 * because its value is not the one of `ifEqual`. The current value is undefined where there is none,
 * or where it is too large for a datagram. `isDown`: the key's server is down, and the client was made
 * with `onDown: "miss"`.
 */
export type SetResult =
  | { readonly stored: true; readonly previous: Uint8Array | undefined }
  | {
    readonly stored: false;
    readonly current: Uint8Array | undefined;
    readonly isDown?: true;
  };

/** What `add` returns. */
export interface AddResult {
  /** The new number, a signed 64-bit integer. */
  readonly value: bigint;
  /** The same as a number, which JSON takes; undefined where that is not exact, from ±2^53 on. */
  readonly number: number | undefined;
  /** Milliseconds that the key still has to live; undefined if it lives for ever. */
  readonly ttl: number | undefined;
}

/** What `exists` returns of a key that exists. */
export interface ExistsResult {
  /** Milliseconds that the key still has to live; undefined if it lives for ever. */
  readonly ttl: number | undefined;
}

/** What `getItem` returns of a key that exists. */
export interface ItemResult extends ExistsResult {
  readonly value: Uint8Array;
}
