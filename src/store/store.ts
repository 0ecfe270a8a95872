/**
 * What a store does, whatever it is made of. Every operation is synchronous and atomic. Keys and
 * values are given as spans of the caller's arrays and copied once, so nothing is allocated for
 * them on the way.
 */

/** A run of bytes in somebody's array. One object may serve for many operations. */
export interface Span {
  bytes: Uint8Array;
  start: number;
  length: number;
}

/** Where a store puts the value that an operation finds, and what it tells of it. */
export interface Found {
  /** The value goes here, from `start`, if it is at most `room` bytes; NONE if it is not wanted. */
  bytes: Uint8Array;
  start: number;
  room: number;
  /** Out: the value's length, whether it fitted or not; NONE when there was no value. */
  length: number;
  /** Out: when the key expires, in ms on the store's clock; 0 for never. */
  expiresAtMs: number;
}

/** The largest value that a store keeps. Doors may have smaller limits. */
export const MAX_STORED_BYTES = 2 ** 20;

/** A store that takes back what it held before, as from a disk. */
export interface RestorableStore extends Store {
  /**
   * As `set` that overwrites, but also into the room that a store which refuses leaves free.
   * @returns false if there is no room; what the key had may then be lost
   */
  restore(key: Span, value: Span, expiresAtMs: number): boolean;
}

/** The length of no value. */
export const NONE = -1;

/** What became of an operation. */
export const Result = {
  DONE: 0,
  /** There is no such key: never stored, deleted, expired or evicted. */
  MISSING: 1,
  /** The key exists, and replacing it was not asked for. Nothing changed. */
  PRESENT: 2,
  /** There is no room for it. Nothing changed, unless a store that evicts had begun to make room. */
  FULL: 3,
  /** The stored value is not a number. Nothing changed. */
  NOT_A_NUMBER: 4,
  /** The sum does not fit a signed 64-bit integer. Nothing changed. */
  OVERFLOW: 5,
} as const;
export type Result = (typeof Result)[keyof typeof Result];

export interface Store {
  /** Keys that are stored; those that expired and were not yet swept may be among them. */
  readonly count: number;
  /** Bytes of those keys and their values, without what it takes to keep them. */
  readonly payloadBytes: number;
  /** Bytes in use, and the most that there may be. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Keys evicted, and keys found expired, since the start. */
  readonly evictions: number;
  readonly expirations: number;

  /** DONE with the value in `found`, or MISSING. */
  get(key: Span, found: Found): Result;
  /** DONE with the expiry in `found`, or MISSING. */
  exists(key: Span, found: Found): Result;
  /**
   * DONE, with the replaced value in `found` if it is given; PRESENT with the current value in
   * `found`; or FULL.
   * @param value 0 bytes to 1 MiB
   * @param expiresAtMs in whole ms on the store's clock; 0 for never
   */
  set(key: Span, value: Span, expiresAtMs: number, overwrite: boolean, found: Found): Result;
  /** DONE with the removed value in `found`, MISSING, or FULL where it must be kept for a while. */
  delete(key: Span, found: Found): Result;
  /**
   * Adds to the number stored, 0 if there is none; the expiry counts only for a new key.
   * DONE with the sum in `found`, NOT_A_NUMBER, OVERFLOW or FULL.
   */
  add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result;
  /** DONE, MISSING, or FULL: an expiry takes room. @param expiresAtMs 0 for never */
  touch(key: Span, expiresAtMs: number): Result;
  /**
   * Frees memory of expired keys: one step of bounded length, to be called now and then.
   * @returns whether there is more to do now
   */
  sweep(): boolean;
}
