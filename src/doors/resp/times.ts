/** Times to live: the commands about them, and the times that other commands take. */

import { Result } from "../../store/store.ts";
import { takeInteger, takeKey } from "./arguments.ts";
import { type Command, type Context, ONE_KEY } from "./context.ts";
import { error, integer, Refusal } from "./forms.ts";
import { MAX_QUOTED, quoted } from "./subcommands.ts";

export interface Unit {
  readonly ms: 1 | 1_000;
  /** Counted from 1970, not from now. */
  readonly isAbsolute: boolean;
}

export const SECONDS: Unit = { ms: 1_000, isAbsolute: false };
export const MILLISECONDS: Unit = { ms: 1, isAbsolute: false };
const SECONDS_SINCE_1970: Unit = { ms: 1_000, isAbsolute: true };
const MILLISECONDS_SINCE_1970: Unit = { ms: 1, isAbsolute: true };

/** The options of SET and GETEX, by name. */
export const UNITS: ReadonlyMap<string, Unit> = new Map([
  ["ex", SECONDS],
  ["px", MILLISECONDS],
  ["exat", SECONDS_SINCE_1970],
  ["pxat", MILLISECONDS_SINCE_1970],
]);

const MIN_64_BITS = -(2n ** 63n);
const MAX_64_BITS = 2n ** 63n - 1n;

/**
 * The expiry for an argument's time, which may have passed; null after replying with an error.
 * @param least the least value that the argument may have
 */
export function expiryOf(
  context: Context,
  argument: number,
  unit: Unit,
  command: string,
  least = 1n,
): number | null {
  const time = takeInteger(context, argument);
  if (time === null) return null;
  const { keyspace, replies } = context;
  const ms = time * BigInt(unit.ms);
  const most = unit.isAbsolute ? MAX_64_BITS : MAX_64_BITS - BigInt(keyspace.clock.wallNowMs);
  if (time >= least && ms >= MIN_64_BITS && ms <= most) {
    return unit.isAbsolute
      ? keyspace.clock.expiryAt(Number(ms))
      : keyspace.clock.expiryIn(Number(ms));
  }
  error(replies, `ERR invalid expire time in '${command}' command`);
  return null;
}

/** EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT. A time that has passed deletes the key. */
function expire(context: Context, command: string, unit: Unit): void {
  takeKey(context);
  const condition = readCondition(context);
  const expiresAtMs = condition === null ? null : expiryOf(context, 2, unit, command, MIN_64_BITS);
  if (condition === null || expiresAtMs === null) return;
  const { keyspace, replies } = context;
  const { noValue } = keyspace;
  const isThere = keyspace.peek();
  if (!isThere || !condition(expiresAtMs, noValue.expiresAtMs || Number.POSITIVE_INFINITY)) {
    integer(replies, 0);
    return;
  }
  const result = keyspace.clock.isPast(expiresAtMs)
    ? keyspace.delete(noValue)
    : keyspace.touch(expiresAtMs);
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else integer(replies, 1);
}

/** Whether an expiry may replace the current one, which is infinite if there is none. */
type Condition = (wanted: number, current: number) => boolean;

const CONDITIONS: ReadonlyMap<string, Condition> = new Map([
  ["nx", (_, current) => current === Number.POSITIVE_INFINITY],
  ["xx", (_, current) => current !== Number.POSITIVE_INFINITY],
  ["gt", (wanted, current) => wanted > current],
  ["lt", (wanted, current) => wanted < current],
]);

/** @returns null after replying with an error */
function readCondition({ request, replies }: Context): Condition | null {
  const given = new Set<string>();
  for (let i = 3; i < request.count; i++) {
    const word = request.latin1(i);
    if (!CONDITIONS.has(word.toLowerCase())) {
      error(replies, `ERR Unsupported option ${quoted(word, MAX_QUOTED)}`);
      return null;
    }
    given.add(word.toLowerCase());
  }
  const clash = given.has("nx") && given.size > 1
    ? "NX and XX, GT or LT"
    : given.has("gt") && given.has("lt")
    ? "GT and LT"
    : null;
  if (clash === null) {
    const conditions = [...CONDITIONS].filter(([word]) => given.has(word));
    return (wanted, current) => conditions.every(([, admits]) => admits(wanted, current));
  }
  error(replies, `ERR ${clash} options at the same time are not compatible`);
  return null;
}

/** TTL and PTTL. */
function ttl(context: Context, unitMs: 1 | 1_000): void {
  takeKey(context);
  const { keyspace, replies } = context;
  if (!keyspace.peek()) integer(replies, -2);
  else if (keyspace.noValue.expiresAtMs === 0) integer(replies, -1);
  else integer(replies, Math.round(keyspace.clock.ttlOf(keyspace.noValue.expiresAtMs) / unitMs));
}

/** EXPIRETIME and PEXPIRETIME. */
function expireTime(context: Context, unitMs: 1 | 1_000): void {
  takeKey(context);
  const { keyspace, replies } = context;
  if (!keyspace.peek()) integer(replies, -2);
  else if (keyspace.noValue.expiresAtMs === 0) integer(replies, -1);
  else {integer(
      replies,
      Math.round(keyspace.clock.wallTimeOf(keyspace.noValue.expiresAtMs) / unitMs),
    );}
}

function persist(context: Context): void {
  takeKey(context);
  const { keyspace, replies } = context;
  const isTimed = keyspace.peek() && keyspace.noValue.expiresAtMs !== 0;
  if (isTimed && keyspace.touch(0) === Result.FULL) error(replies, Refusal.FULL);
  else integer(replies, isTimed ? 1 : 0);
}

const WRITE = ["write", "fast"];
const READ = ["readonly", "fast"];

const expireCommand = (name: string, unit: Unit): Command => ({
  ...{ name, arity: -3, flags: WRITE, keys: ONE_KEY },
  run: (context) => expire(context, name, unit),
});

export const timeCommands: readonly Command[] = [
  expireCommand("expire", SECONDS),
  expireCommand("pexpire", MILLISECONDS),
  expireCommand("expireat", SECONDS_SINCE_1970),
  expireCommand("pexpireat", MILLISECONDS_SINCE_1970),
  {
    name: "expiretime",
    arity: 2,
    flags: READ,
    keys: ONE_KEY,
    run: (context) => expireTime(context, 1_000),
  },
  {
    name: "pexpiretime",
    arity: 2,
    flags: READ,
    keys: ONE_KEY,
    run: (context) => expireTime(context, 1),
  },
  { name: "persist", arity: 2, flags: WRITE, keys: ONE_KEY, run: persist },
  { name: "ttl", arity: 2, flags: READ, keys: ONE_KEY, run: (context) => ttl(context, 1_000) },
  { name: "pttl", arity: 2, flags: READ, keys: ONE_KEY, run: (context) => ttl(context, 1) },
];
