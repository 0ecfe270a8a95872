/** GETEX: a value, and another time to live for its key. */

import { NONE, Result } from "../../store/store.ts";
import { takeKey } from "./arguments.ts";
import { type Command, type Context, ONE_KEY } from "./context.ts";
import { bulkFound, error, intoReply, Refusal } from "./forms.ts";
import { expiryOf, type Unit, UNITS } from "./times.ts";

/** What to do with the expiry: nothing, remove it, or set it to an argument. */
type Choice = "keep" | "persist" | { readonly unit: Unit; readonly time: number };

function getex(context: Context): void {
  const choice = readChoice(context);
  if (choice === null) return;
  takeKey(context);
  const { keyspace, replies } = context;
  const { found } = keyspace;
  if (choice !== "keep") keyspace.holdBack();
  keyspace.get(intoReply(replies, found));
  if (found.length === NONE || choice === "keep") {
    bulkFound(context, found);
    return;
  }
  const expiresAtMs = choice === "persist"
    ? 0
    : expiryOf(context, choice.time, choice.unit, "getex");
  if (expiresAtMs === null) return;
  // A time that has passed removes the key.
  const isOver = choice !== "persist" && keyspace.clock.isPast(expiresAtMs);
  const result = isOver ? keyspace.delete(keyspace.noValue) : keyspace.touch(expiresAtMs);
  if (result === Result.FULL) error(replies, Refusal.FULL);
  else bulkFound(context, found);
}

/** @returns null after replying with an error */
function readChoice({ request, replies }: Context): Choice | null {
  const word = request.count > 2 ? request.latin1(2).toLowerCase() : "";
  if (request.count === 2) return "keep";
  if (word === "persist" && request.count === 3) return "persist";
  const unit = UNITS.get(word);
  if (unit !== undefined && request.count === 4) return { unit, time: 3 };
  error(replies, Refusal.SYNTAX);
  return null;
}

export const getexCommands: readonly Command[] = [
  { name: "getex", arity: -2, flags: ["write", "fast"], keys: ONE_KEY, run: getex },
];
