/**
 * The options that there are. Others are refused: without types a misspelled `ttl` would pass in silence,
 * and its key would live for ever.
 */

import type {
  DeleteOptions,
  RememberOptions,
  SetOptions,
  StatsOptions,
  StoreOptions,
} from "./call_options.ts";
import type { TimeToLive } from "./arguments.ts";
import { InvalidArgumentError } from "./errors.ts";
import { keyText } from "./key_text.ts";
import { nearest } from "./nearest.ts";

/** Of every call. */
const LIMITS = ["timeout", "deadline", "signal"];

/** Those of some calls besides, by the operation or the method that asks for its deadline. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  SET: ["ttl", "overwrite", "old", "ifEqual"] satisfies (keyof SetOptions)[],
  setMany: ["ttl", "overwrite", "old"] satisfies (keyof StoreOptions)[],
  DELETE: ["ifEqual"] satisfies (keyof DeleteOptions)[],
  ADD: ["ttl"] satisfies (keyof TimeToLive)[],
  TOUCH: ["ttl"] satisfies (keyof TimeToLive)[],
  remember: ["ttl", "lease"] satisfies (keyof RememberOptions)[],
  STATS: ["section"] satisfies (keyof StatsOptions)[],
};

const OF_A_CALL: ReadonlySet<string> = new Set(LIMITS);
const OF_CALLS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(OWN).map(([call, own]) => [call, new Set([...own, ...LIMITS])]),
);

/** Lower-case names of options elsewhere, or of what people take for options. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{ ex: "ttl", px: "ttl", ttlms: "ttl", ttlseconds: "ttl", expire: "ttl", expires: "ttl" },
  ...{ expiresin: "ttl", expiration: "ttl", expiry: "ttl", maxage: "ttl", lifetime: "ttl" },
  ...{ timeoutms: "timeout", deadlinems: "deadline", leasems: "lease", abortsignal: "signal" },
  ...{ replace: "overwrite", force: "overwrite", get: "old", returnold: "old", previous: "old" },
  ...{ cas: "ifEqual", expected: "ifEqual" },
};
const IN_MS: readonly string[] = ["ttl", "timeout", "lease"];

/**
 * @param call an operation, such as GET, or a method
 * @throws {InvalidArgumentError} that names an option which the call does not have
 */
export function checkCallOptions(call: string, options: object | undefined): void {
  if (options === undefined) return;
  checkOptions(call, options, OF_CALLS.get(call) ?? OF_A_CALL);
}

/** @throws {InvalidArgumentError} that names an option which is not known */
export function checkOptions(call: string, options: object, known: ReadonlySet<string>): void {
  if (typeof options !== "object" || options === null) throw notOptions(call, options);
  for (const option in options) {
    if (!known.has(option)) throw unknownOption(methodOf(call), option, [...known]);
  }
}

function notOptions(call: string, given: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `The options of ${methodOf(call)} are an object${
      call === "connect" ? "" : ", such as { timeout: 50 }"
    }, not ${given === null ? "null" : `a ${typeof given}`}.`,
  );
}

function unknownOption(
  method: string,
  option: string,
  known: readonly string[],
): InvalidArgumentError {
  const meant = ELSEWHERE[option.toLowerCase()] ?? nearest(option, known);
  const hint = meant === undefined || !known.includes(meant)
    ? `it has ${known.join(", ")}.`
    : `did you mean ${meant}${IN_MS.includes(meant) ? ", in milliseconds" : ""}?`;
  return new InvalidArgumentError(`${keyText(option)} is no option of ${method}; ${hint}`);
}

/** The method of an operation. */
function methodOf(call: string): string {
  if (call === "SCAN") return "keys";
  return call === call.toUpperCase() ? call.toLowerCase() : call;
}
