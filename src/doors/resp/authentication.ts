/** AUTH: the one password of the one user. */

import { Buffer } from "node:buffer";
import { type Command, type Context, NO_KEYS } from "./context.ts";
import { error, OK, Refusal, simple } from "./forms.ts";

const USER = "default";

function auth(context: Context): void {
  const { request, replies, door } = context;
  if (request.count > 3) error(replies, Refusal.SYNTAX);
  else if (request.count === 2 && door.password === null) {
    error(
      replies,
      "ERR AUTH <password> called without any password configured for the default user. Are you " +
        "sure your configuration is correct?",
    );
  } else if (authenticate(context, request.count === 2 ? null : 1, request.count - 1)) {
    simple(replies, OK);
  }
}

/**
 * Checks a user and a password, which are arguments. Without a password to be asked for, the default
 * user has any.
 * @param user null for the default user
 * @returns whether they are right; if not, an error was replied
 */
export function authenticate(context: Context, user: number | null, password: number): boolean {
  const { request, client, door } = context;
  const isUser = user === null || request.latin1(user) === USER;
  const start = request.startOf(password);
  const given = Buffer.from(request.bytes.subarray(start, start + request.lengthOf(password)));
  const isRight = door.password?.matches(given) ?? true;
  if (isUser && isRight) client.isTrusted = true;
  else {
    context.isPenalized = true;
    error(context.replies, "WRONGPASS invalid username-password pair or user is disabled.");
  }
  return isUser && isRight;
}

export const authenticationCommands: readonly Command[] = [
  {
    name: "auth",
    arity: -2,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    keys: NO_KEYS,
    isOpen: true,
    run: auth,
  },
];
