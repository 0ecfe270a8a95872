/**
 * The interface of every store. Every operation is synchronous and atomic. Keys and values are
 * passed as spans of the caller's arrays and copied once, so nothing is allocated on the way.
 */

/** A run of bytes in an existing array. One object may serve many operations. */
export interface Span {
  bytes: Uint8Array;
  start: number;
  length: number;
}

/** All of an array. */
export const spanOf = (bytes: Uint8Array): Span => ({ bytes, start: 0, length: bytes.length });

/** Where a store puts the value that an operation finds, with the value's length and expiry. */
export interface Found {
  /** The value goes here, from `start`, if it is at most `room` bytes; NONE if it is not wanted. */
  bytes: Uint8Array;
  start: number;
  room: number;
  /** Whether the array is replaced where it is too short for a value that may have more room. */
  grows?: boolean;
  /** Out: the value's length, whether or not it fitted; NONE when there was no value. */
  length: number;
  /** Out: when the key expires, in ms on the store's clock; 0 for never. */
  expiresAtMs: number;
}

/**
 * A page of keys, in the order of their hashes. What is stored from the first page to the last is in
 * one of them, whatever is written meanwhile; it may be in several.
 */
export interface Page {
  /**
   * In: 0 to begin, ANYWHERE to begin at random, or what the page before left here. Out: where the
   * next page begins; 0 if none.
   */
  cursor: number;
  /** Keys go here, from `start`: each its length (u16, little-endian) and its bytes. */
  bytes: Uint8Array;
  start: number;
  room: number;
  /** The most keys of a page; keys of equal hash are in one page all the same. */
  mostKeys: number;
  /** Longer keys are left out. */
  maxKeyBytes: number;
  /** Out: how many keys there are, and how many bytes they take. A page may be empty before the last. */
  count: number;
  length: number;
}

/** The cursor of a page that begins at random. */
export const ANYWHERE = -1;

/** The largest value that a store keeps. Doors may have smaller limits. */
export const MAX_STORED_BYTES = 2 ** 20;

/** The length when there is no value. */
export const NONE = -1;

/** The outcome of an operation. */
export const Result = {
  DONE: 0,
  /** There is no such key: never stored, deleted, expired or evicted. */
  MISSING: 1,
  /** The key exists, and overwriting was not requested. Nothing changed. */
  PRESENT: 2,
  /** There is no room. Nothing changed, unless a store that evicts had begun to make room. */
  FULL: 3,
  /** The stored value is not a number. Nothing changed. */
  NOT_A_NUMBER: 4,
  /** The sum does not fit a signed 64-bit integer. Nothing changed. */
  OVERFLOW: 5,
  /** The cursor is not one of this store's. */
  NO_CURSOR: 6,
  /** What keeps the data can't do it now. Nothing changed; the job has a problem to tell. */
  UNAVAILABLE: 7,
  /** As UNAVAILABLE, but the change may have been made, or may yet be. */
  UNKNOWN: 8,
} as const;
export type Result = (typeof Result)[keyof typeof Result];

/** What a store reports about itself. */
export interface StoreCounts {
  /**
   * Stored keys; may include keys that expired, or have a dropped prefix, and were not swept yet.
   * When everything was dropped, none of it counts.
   */
  readonly count: number;
  /** Those of them that have a time to live. */
  readonly timed: number;
  /** Drops whose memory is not all free yet. */
  readonly drops: number;
  /** Bytes of those keys and their values, without overhead. */
  readonly payloadBytes: number;
  /** Bytes in use, and their limit. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Keys evicted, and keys found expired, since the start. */
  readonly evictions: number;
  readonly expirations: number;
}

/** Is told of every change while it observes. It must not call the store. */
export interface Observer {
  /** A key was stored, rewritten, touched or removed, by whatever means except a drop. */
  onChange(key: Span): void;
  /** A prefix was dropped. */
  onDrop(prefix: Span): void;
}

export interface Store extends StoreCounts {
  /** From now on tells an observer of every change; null ends that. */
  observe(observer: Observer | null): void;
  /** Called when a drop is not under way any more. */
  onDropEnd: () => void;
  /** DONE with the value in `found`, or MISSING. The key counts as read. */
  get(key: Span, found: Found): Result;
  /** As `get`, but the key does not count as read. */
  peek(key: Span, found: Found): Result;
  /** DONE with the expiry in `found`, or MISSING. The key counts as read. */
  exists(key: Span, found: Found): Result;
  /**
   * DONE with any replaced value in `found`, PRESENT with the current value in `found`, or FULL.
   * @param value 0 bytes to 1 MiB
   * @param expiresAtMs in whole ms on the store's clock; 0 for never
   */
  set(key: Span, value: Span, expiresAtMs: number, overwrite: boolean, found: Found): Result;
  /** DONE with the removed value in `found`, MISSING, or FULL if it must be kept for a while. */
  delete(key: Span, found: Found): Result;
  /** As an overwriting `set` of a key that has the expected value; MISSING, or PRESENT with another. */
  setIfEqual(key: Span, expected: Span, value: Span, expiresAtMs: number, found: Found): Result;
  /** As `delete` of a key that has the expected value; MISSING, or PRESENT with another. */
  deleteIfEqual(key: Span, expected: Span, found: Found): Result;
  /** Whether a key has this value. The key does not count as read. */
  isEqual(key: Span, value: Span): boolean;
  /**
   * Adds to the stored number, or to 0 if there is none; the expiry applies only to a new key.
   * DONE with the sum in `found`, NOT_A_NUMBER, OVERFLOW or FULL.
   */
  add(key: Span, delta: bigint, expiresAtMs: number, found: Found): Result;
  /** DONE, MISSING, or FULL: an expiry takes room. @param expiresAtMs 0 for never */
  touch(key: Span, expiresAtMs: number): Result;
  /** Whether another drop can be noted: at most 16 are under way that this one does not cover. */
  admitsDrop(prefix: Span): boolean;
  /**
   * Removes at once all keys that begin with a prefix of 0 to 128 bytes. Their memory is freed by
   * sweeps; until then the drop is under way. The store must admit it.
   */
  drop(prefix: Span): void;
  /**
   * Tells keys that begin with a prefix of any length: DONE, or NO_CURSOR. Looks at some 3,000 keys
   * at most.
   */
  scan(prefix: Span, page: Page): Result;
  /**
   * Frees memory of expired and dropped keys: a step or two of bounded length. Call this now and then.
   * @returns whether there is more to do now
   */
  sweep(): boolean;
}

/** A store that can take back items it held before, for example from a disk. */
export interface RestorableStore extends Store {
  /**
   * As an overwriting `set`, but also uses the room that a store which refuses leaves free.
   * @returns false if there is no room; the key's old value may then be lost
   */
  restore(key: Span, value: Span, expiresAtMs: number): boolean;
  /**
   * From now on threads that read the store leave this key to the caller, until `release`.
   * @returns what to pass to `release`
   */
  hold(key: Span): number;
  release(held: number): void;
}
