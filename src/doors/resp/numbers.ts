/** Commands that count. */

import { Result } from "../../store/store.ts";
import { takeInteger, takeNewKey } from "./arguments.ts";
import { type Command, type Context, ONE_KEY } from "./context.ts";
import { parseDecimal, sumOf } from "./decimal.ts";
import { bulk, error, intoReply, Refusal } from "./forms.ts";

/** INCR, DECR, INCRBY and DECRBY. @param argument the one with the amount; the default is 1 */
function add(context: Context, sign: 1 | -1, argument?: number): void {
  if (!takeNewKey(context)) return;
  const { keyspace, replies } = context;
  const amount = argument === undefined ? ONE : takeInteger(context, argument);
  if (amount === null) return;
  if (sign < 0 && amount === MIN_64_BITS) {
    error(replies, "ERR decrement would overflow");
    return;
  }
  const { found } = keyspace;
  const result = keyspace.add(sign < 0 ? -amount : amount, 0, intoReply(replies, found));
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else if (result === Result.NOT_A_NUMBER) error(replies, Refusal.NOT_AN_INTEGER);
  else if (result === Result.OVERFLOW) error(replies, Refusal.OVERFLOW);
  else integerFound(context);
}

const ONE = 1n;
const MIN_64_BITS = -(2n ** 63n);

function integerFound({ keyspace: { found }, replies }: Context): void {
  replies.ascii(":");
  replies.copy(found.bytes, found.start, found.length);
  replies.ascii("\r\n");
}

function addFloat(context: Context): void {
  const { keyspace, request, replies } = context;
  if (!takeNewKey(context)) return;
  const { length, expiresAtMs } = keyspace.copy();
  if (/^[+-]?inf(?:inity)?$/i.test(request.latin1(2))) {
    error(replies, "ERR increment would produce NaN or Infinity");
    return;
  }
  const current = parseDecimal(length < 0 ? "0" : keyspace.scratch.toString("latin1", 0, length));
  const amount = parseDecimal(request.latin1(2));
  if (current === null || amount === null) {
    error(replies, Refusal.NOT_A_FLOAT);
    return;
  }
  const sum = sumOf(current, amount);
  const bytes = keyspace.scratch.write(sum, "latin1");
  if (keyspace.setScratch(bytes, expiresAtMs) === Result.FULL) error(replies, Refusal.FULL);
  else bulk(replies, sum);
}

const FLAGS = ["write", "denyoom", "fast"];

export const numberCommands: readonly Command[] = [
  { name: "incrbyfloat", arity: 3, flags: FLAGS, keys: ONE_KEY, run: addFloat },
  { name: "incr", arity: 2, flags: FLAGS, keys: ONE_KEY, run: (context) => add(context, 1) },
  { name: "decr", arity: 2, flags: FLAGS, keys: ONE_KEY, run: (context) => add(context, -1) },
  { name: "incrby", arity: 3, flags: FLAGS, keys: ONE_KEY, run: (context) => add(context, 1, 2) },
  { name: "decrby", arity: 3, flags: FLAGS, keys: ONE_KEY, run: (context) => add(context, -1, 2) },
];
