/**
 * Values that are made once for all callers. Within a process, one caller makes a value and the
 * others wait for it. Among processes, the holder of the key's lease makes the value. The lease is
 * a second key that only one process can set, that only this one removes, since its value is the
 * holder's own, and that expires by itself if its holder dies.
 */

import type { Value } from "./arguments.ts";
import {
  AbortedError,
  DeadlineExceededError,
  DuplicateError,
  type FailedCall,
  FullError,
  InvalidArgumentError,
} from "./errors.ts";
import { copyBytes } from "./bytes.ts";
import { keyText } from "./key_text.ts";
import { MAX_KEY_BYTES } from "./protocol/frame.ts";
import { onAbort } from "./protocol/aborts.ts";
import type { Time } from "./protocol/destination.ts";

/** The lease of a key is stored under this prefix followed by the key. */
export const LEASE_PREFIX = "lease:";
const MAX_REMEMBERED_KEY_BYTES = MAX_KEY_BYTES - LEASE_PREFIX.length;
/** Random, so that no two holders have the same. */
const TOKEN_BYTES = 16;
/** The wait between looks for another process's value: at first, and at most after doubling. */
const MIN_LOOK_MS = 5;
const MAX_LOOK_MS = 100;

/** The calls that `remember` makes on a client. */
export interface Caller {
  get(key: Uint8Array, options: Limits): Promise<Uint8Array | undefined>;
  set(
    key: Uint8Array,
    value: Value,
    options: Limits & { readonly ttl?: number; readonly overwrite?: boolean },
  ): Promise<{ readonly stored: boolean; readonly isDown?: true }>;
  delete(key: Uint8Array, options: Limits & { readonly ifEqual: Uint8Array }): Promise<unknown>;
}

interface Limits {
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

export interface Terms {
  readonly timeoutMs: number;
  /** Time to live of the value; undefined for ever. */
  readonly ttlMs: number | undefined;
  readonly leaseMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A key that only its holder removes, since its value is the holder's own. */
interface Lease {
  readonly key: Uint8Array;
  readonly token: Uint8Array;
}

/** When a held lease ends, and the value if it was there after all. */
interface Held {
  readonly endsAtMs: number;
  readonly value: Uint8Array | undefined;
}

/** Then each process loads for itself. */
const NO_LEASE: Held = { endsAtMs: 0, value: undefined };

/** A value that is being made. */
interface Making {
  readonly made: Promise<Uint8Array | undefined>;
  /** Once its loader is done; what is left is to store it. */
  loaded: Uint8Array | undefined;
}

type Load = () => Value | Promise<Value>;

const encoder = new TextEncoder();

export class Remember {
  readonly #time: Time;
  readonly #fillRandom: (bytes: Uint8Array) => void;
  /** The values being made, by key. */
  readonly #underWay = new Map<string, Making>();

  /** @param fillRandom makes the value by which a lease is recognized as one's own */
  constructor(time: Time, fillRandom: (bytes: Uint8Array) => void) {
    this.#time = time;
    this.#fillRandom = fillRandom;
  }

  /** @param key 1 to 122 bytes */
  async value(calls: Caller, key: Uint8Array, load: Load, terms: Terms): Promise<Uint8Array> {
    if (key.length > MAX_REMEMBERED_KEY_BYTES) throw tooLong(key.length);
    const { signal, timeoutMs } = terms;
    const name = String.fromCharCode(...key);
    const untilMs = this.#time.now() + timeoutMs;
    for (;;) {
      const leftMs = untilMs - this.#time.now();
      if (leftMs <= 0) throw notInTime(key, timeoutMs);
      const value = await calls.get(key, { timeout: leftMs, signal });
      if (value !== undefined) return value;
      const making = this.#underWay.get(name) ?? this.#begin(name, calls, key, load, terms);
      const made = await this.#waitFor(making, key, untilMs, terms);
      // Each caller gets a copy that it may change.
      if (made !== undefined) return copyBytes(made);
    }
  }

  #begin(name: string, calls: Caller, key: Uint8Array, load: Load, terms: Terms): Making {
    const onLoaded = (value: Uint8Array) => {
      making.loaded = value;
    };
    const made = this.#make(calls, key, load, terms, onLoaded)
      .finally(() => this.#underWay.delete(name));
    const making: Making = { made, loaded: undefined };
    this.#underWay.set(name, making);
    return making;
  }

  /** The value made here or elsewhere; undefined if it was not made in time. */
  async #make(
    calls: Caller,
    key: Uint8Array,
    load: Load,
    terms: Terms,
    onLoaded: (value: Uint8Array) => void,
  ): Promise<Uint8Array | undefined> {
    const lease = this.#leaseOf(key);
    const found = await this.#takeLease(calls, key, lease, terms);
    if (found instanceof Uint8Array || found === null) return found ?? undefined;
    try {
      return found.value ?? await loadAndStore(calls, key, load, terms, onLoaded);
    } finally {
      // After its end there is nothing to give back.
      const timeout = found.endsAtMs - this.#time.now();
      if (timeout > 0) await giveBack(calls, lease, timeout);
    }
  }

  #leaseOf(key: Uint8Array): Lease {
    const token = new Uint8Array(TOKEN_BYTES);
    this.#fillRandom(token);
    return { key: new Uint8Array([...encoder.encode(LEASE_PREFIX), ...key]), token };
  }

  /** The lease; or the value, if it was made elsewhere meanwhile; null when the time is over. */
  async #takeLease(
    calls: Caller,
    key: Uint8Array,
    lease: Lease,
    { timeoutMs, leaseMs }: Terms,
  ): Promise<Held | Uint8Array | null> {
    const untilMs = this.#time.now() + timeoutMs;
    try {
      for (let lookMs = MIN_LOOK_MS;; lookMs = Math.min(2 * lookMs, MAX_LOOK_MS)) {
        const nowMs = this.#time.now();
        if (nowMs >= untilMs) return null;
        const timeout = untilMs - nowMs;
        const isHolder = await setLease(calls, lease, leaseMs, timeout);
        if (isHolder === null) return NO_LEASE;
        if (!isHolder) await this.#wait(Math.min(lookMs, timeout));
        // Even with the lease held: its last holder may just have stored the value.
        const value = await calls.get(key, { timeout });
        if (isHolder) return { endsAtMs: nowMs + leaseMs, value };
        if (value !== undefined) return value;
      }
    } catch (error) {
      // Callers that wait for this may have more time.
      if (error instanceof DeadlineExceededError) return null;
      // No room for a lease.
      if (error instanceof FullError) return NO_LEASE;
      throw error;
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#time.makeAlarm(resolve).set(ms));
  }

  /** Waits until one caller's deadline; other callers may wait longer. */
  #waitFor(
    making: Making,
    key: Uint8Array,
    untilMs: number,
    { timeoutMs, signal }: Terms,
  ): Promise<Uint8Array | undefined> {
    return new Promise((settle, fail) => {
      // A value that is there is not kept back because it can't be stored in time.
      const alarm = this.#time.makeAlarm(() =>
        making.loaded === undefined ? fail(notInTime(key, timeoutMs)) : settle(making.loaded)
      );
      const abort = () => fail(new AbortedError(callOf(key), "unknown", signal?.reason));
      alarm.set(Math.max(0, untilMs - this.#time.now()));
      if (signal?.aborted) abort();
      const forgetAbort = signal && onAbort(signal, abort);
      void making.made.then(settle, fail).finally(() => {
        alarm.clear();
        forgetAbort?.();
      });
    });
  }
}

async function loadAndStore(
  calls: Caller,
  key: Uint8Array,
  load: Load,
  { timeoutMs, ttlMs }: Terms,
  onLoaded: (value: Uint8Array) => void,
): Promise<Uint8Array> {
  const loaded = await load();
  if (typeof loaded !== "string" && !(loaded instanceof Uint8Array)) throw noValue(key, loaded);
  const value = typeof loaded === "string" ? encoder.encode(loaded) : copyBytes(loaded);
  onLoaded(value);
  try {
    await calls.set(key, value, { timeout: timeoutMs, ttl: ttlMs, overwrite: true });
  } catch (error) {
    // The value was loaded, so the callers get it, and the next caller loads it again.
    if (error instanceof InvalidArgumentError) throw error;
  }
  return value;
}

/** Tries to set the lease; returns whether this process holds it now, or null if nobody can. */
async function setLease(
  calls: Caller,
  lease: Lease,
  ttl: number,
  timeout: number,
): Promise<boolean | null> {
  try {
    const { stored, isDown } = await calls.set(lease.key, lease.token, { ttl, timeout });
    return isDown ? null : stored;
  } catch (error) {
    // The lease may be held here, but a process that can't tell looks again.
    if (error instanceof DuplicateError) return false;
    throw error;
  }
}

/** A lease that is not given back expires. */
async function giveBack(calls: Caller, { key, token }: Lease, timeout: number): Promise<void> {
  await calls.delete(key, { timeout, ifEqual: token }).catch(() => {});
}

function callOf(key: Uint8Array): FailedCall {
  return { operation: "remember", key };
}

function notInTime(key: Uint8Array, timeoutMs: number): DeadlineExceededError {
  const why = "the value was not there, and its loader, here or elsewhere, was not done.";
  // The loader may go on, and store its value.
  return new DeadlineExceededError(callOf(key), timeoutMs, "unknown", "", { why });
}

function noValue(key: Uint8Array, loaded: unknown): InvalidArgumentError {
  const what = loaded === null ? "null" : typeof loaded;
  return new InvalidArgumentError(
    `The loader of "${keyText(key)}" returned ${what}: a value to remember is a string or a ` +
      "Uint8Array.",
  );
}

function tooLong(length: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `The key has ${length} bytes; at most ${MAX_REMEMBERED_KEY_BYTES} are left for remember, ` +
      `which keeps a lease at "${LEASE_PREFIX}" followed by the key.`,
  );
}
