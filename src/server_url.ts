/**
 * Servers as a URL: `kg://cache:4040`, or `kg://a=10.0.0.1:4040,b=10.0.0.2:4040?spread=any&onDown=miss`.
 * A key is never in it: URLs get into logs, and the arguments of a program are seen by everybody.
 */

import { InvalidArgumentError } from "./errors.ts";

/** What several servers are: each has its share of the keys, or any leads to all keys. */
export type Spread = "keys" | "any";
/** What calls do whose server is down: fail, or find nothing. */
export type OnDown = "error" | "miss";

export const SPREADS = ["keys", "any"] as const satisfies readonly Spread[];
export const ON_DOWNS = ["error", "miss"] as const satisfies readonly OnDown[];

const URL_FORM = /^kg:\/\/([^/?#]*)\/?(?:\?(.*))?$/is;
/** What looks as if it held a secret. */
const SECRET = /key|pass|secret|token|user|auth/i;
/** Another name may be a secret itself. */
const PRINTABLE_NAME = /^[a-z_-]{1,20}$/i;

/** Servers, and what their URL says about them. */
export interface Servers {
  /** A list without a URL's scheme and options. */
  readonly servers: string | readonly string[];
  readonly spread?: Spread;
  readonly onDown?: OnDown;
}

/**
 * Takes a URL apart; what is none is left as it is.
 * @throws {InvalidArgumentError} for a URL with a key, a user, a path, or an option that does not exist: its
 *   message has no part of the URL that may be secret
 */
export function readServerUrl(given: string | readonly string[]): Servers {
  if (typeof given !== "string" || !/^kg:\/\//i.test(given)) return { servers: given };
  noSecrets(given);
  const [, servers, query = ""] = URL_FORM.exec(given) ?? [];
  if (servers === undefined) {
    throw new InvalidArgumentError(
      "A URL of servers is kg://HOST:PORT, or kg://a=HOST:PORT,b=HOST:PORT for several, without a path. " +
        "It may end in ?spread=any, ?onDown=miss, or both with & between them.",
    );
  }
  return { servers, ...optionsOf(query) };
}

function optionsOf(query: string): Omit<Servers, "servers"> {
  const options = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (SECRET.test(name)) throw secretError();
    if (name !== "spread" && name !== "onDown") throw unknownOption(name);
    if (options.has(name)) throw new InvalidArgumentError(`The URL's ${name} comes twice.`);
    options.set(name, value);
  }
  return {
    spread: choiceOf("spread", options.get("spread"), SPREADS),
    onDown: choiceOf("onDown", options.get("onDown"), ON_DOWNS),
  };
}

/**
 * A key in hexadecimal, which must not be looked up. No part of a host's name is so long (RFC 1035, section
 * 2.3.4); before an equals sign it is a server's name.
 */
const HEX_KEY = /[\da-f]{64}(?!=)/i;

/** @throws {InvalidArgumentError} for servers with a user or a password before them, and for a key */
export function noSecrets(text: string): void {
  if (text.includes("@") || HEX_KEY.test(text)) throw secretError();
}

function secretError(): InvalidArgumentError {
  return new InvalidArgumentError(
    "A server's address has no user, password or key in it, since addresses get into logs: give the key " +
      "as KG_KEY, or as KG_KEY_FILE, or in a program as { key }.",
  );
}

function unknownOption(name: string): InvalidArgumentError {
  const what = PRINTABLE_NAME.test(name) ? `no option "${name}"` : "no such option";
  return new InvalidArgumentError(`A URL of servers has ${what}; it has spread and onDown.`);
}

/** @throws {InvalidArgumentError} that has the choices, for another */
export function choiceOf<T extends string>(
  name: string,
  given: string | undefined,
  choices: readonly T[],
): T | undefined {
  const choice = choices.find((each) => each === given);
  if (choice !== undefined || given === undefined) return choice;
  const words = choices.map((each) => `"${each}"`).join(" or ");
  throw new InvalidArgumentError(`${name} is ${JSON.stringify(given)}; it must be ${words}.`);
}

/** What is said here and in a URL. @throws {InvalidArgumentError} if these are two things */
export function agreedSpread(
  here: Spread | undefined,
  inUrl: Spread | undefined,
): Spread | undefined {
  if (here === undefined || inUrl === undefined || here === inUrl) return here ?? inUrl;
  throw new InvalidArgumentError(
    `The URL of the servers says spread=${inUrl}, but here it is ${here}.`,
  );
}
