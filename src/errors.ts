/** Every error that a caller of the library can meet. */

import { keyText } from "./key_text.ts";

/**
 * What is known of a mutation that ended in an error: it took no effect and never will
 * (`none`), it was carried out (`done`), or the client can't tell (`unknown`). Queries: `none`.
 */
export type Effect = "none" | "done" | "unknown";

const EFFECT_NOTES: Readonly<Record<Effect, string>> = {
  none: "It was not carried out.",
  done: "It was carried out.",
  unknown: "It may or may not have been carried out.",
};

/** The call that an error tells of. */
export interface FailedCall {
  /** As on the wire, such as GET, or the name of a method. */
  readonly operation: string;
  /** Its key, prefix or section; empty or undefined if it has none. */
  readonly key?: Uint8Array;
  /** The server that it went to. */
  readonly server?: { readonly name: string | undefined; readonly address: string };
}

/**
 * The base of all errors: `code` is for programs, `message` for people. Messages have keys and
 * addresses, but never a value or the master key.
 */
export class KilogramError extends Error {
  readonly code: string;
  readonly effect: Effect;
  /** The key of the call that failed, if it has one: control characters escaped, at most 100 characters. */
  declare readonly key?: string;
  /** The server that the call went to: its name, or its address if it has no name. */
  declare readonly server?: string;

  constructor(
    code: string,
    message: string,
    { effect = "none", cause, call }: {
      readonly effect?: Effect;
      readonly cause?: unknown;
      readonly call?: FailedCall;
    } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = nameOf(code);
    this.code = code;
    this.effect = effect;
    if (hasKey(call)) this.key = keyText(call.key);
    if (call?.server !== undefined) this.server = call.server.name ?? call.server.address;
  }
}

function hasKey(call: FailedCall | undefined): call is FailedCall & { readonly key: Uint8Array } {
  return call?.key !== undefined && call.key.length > 0;
}

/** GET of "session:42" */
function callText(call: FailedCall): string {
  return hasKey(call) ? `${call.operation} of "${keyText(call.key)}"` : call.operation;
}

/** A call had no deadline. Nothing was sent. */
export class DeadlineRequiredError extends KilogramError {
  constructor(operation: string) {
    super(
      "DEADLINE_REQUIRED",
      `${operation} needs a deadline: pass { timeout: 50 } (milliseconds) or ` +
        "{ deadline: Date.now() + 50 }, or call it on a view made by within(50).",
    );
  }
}

/** An argument can't be sent as it is: a key, a value, an option. Nothing was sent. */
export class InvalidArgumentError extends KilogramError {
  constructor(message: string) {
    super("INVALID_ARGUMENT", message);
  }
}

/** A master key is not 32 bytes, 44 characters of base64 or 64 of hex. */
export class MasterKeyError extends KilogramError {
  constructor(reason: string, what = "This") {
    super(
      "MASTER_KEY",
      `${what} is not a key: ${reason}. A key is 32 bytes, as 44 characters of base64 or 64 of ` +
        "hex. Make one with: kg keygen",
    );
  }
}

/** What is known about a call without an answer. */
interface DeadlineDetails {
  /** What the network reported, if anything: a hint, since it can be forged. */
  readonly cause?: unknown;
  /** What may have happened, as a sentence. */
  readonly why?: string;
}

const NO_ANSWER =
  "there may be no server, it may have another key or another name (NAME=HOST:PORT " +
  "names a server that has one), or datagrams were lost.";

/** No reply came before the deadline. */
export class DeadlineExceededError extends KilogramError {
  /**
   * @param effect null for a query, which has no effect to report
   * @param note what else is known, or ""
   */
  constructor(
    call: FailedCall,
    waitedMs: number,
    effect: Effect | null,
    note: string,
    { cause, why }: DeadlineDetails = {},
  ) {
    const from = call.server === undefined ? "" : ` from ${placeText(call.server)}`;
    const parts = [
      `${callText(call)} had no answer${from} after ${Math.round(waitedMs)} ms:`,
      why ?? NO_ANSWER,
      cause instanceof Error ? `The network reported: ${cause.message}.` : "",
      note,
      effect === null ? "" : EFFECT_NOTES[effect],
    ];
    const message = parts.filter((part) => part !== "").join(" ");
    super("DEADLINE_EXCEEDED", message, { effect: effect ?? "none", cause, call });
  }
}

function placeText({ name, address }: NonNullable<FailedCall["server"]>): string {
  return name === undefined ? address : `${name} (${address})`;
}

/** The server that has the key is known to be down. Nothing was sent. */
export class ServerDownError extends KilogramError {
  declare readonly server: string;

  /** @param why what is known, as the end of a sentence */
  constructor(call: FailedCall & Required<Pick<FailedCall, "server">>, why: string) {
    const message = `${callText(call)}: the server ${placeText(call.server)} is down: ${why}.`;
    super("SERVER_DOWN", message, { call });
  }
}

/**
 * Some of several calls failed: of those for many keys, or of those at several servers. `effect` is
 * `none` only if nothing at all has changed; where some of the changes were made, it is `unknown`.
 */
export class SomeFailedError<K = unknown, R = unknown> extends KilogramError {
  /** What failed, by key or by the server's name; and what the others gave. */
  readonly errors: ReadonlyMap<K, Error>;
  readonly results: ReadonlyMap<K, R>;

  /**
   * @param what such as "getMany: 2 of 9 keys"
   * @param isChange whether the calls are mutations
   */
  constructor(
    what: string,
    errors: ReadonlyMap<K, Error>,
    results: ReadonlyMap<K, R>,
    isChange: boolean,
  ) {
    const [first] = errors.values();
    const effect = isChange && results.size > 0 ? "unknown" : worstEffect(errors);
    const message = `${what} failed: ${listed([...errors.keys()])}; the first: ${first?.message}`;
    super("SOME_FAILED", message, { effect, cause: first });
    this.errors = errors;
    this.results = results;
  }
}

/** As many as a line has room for. */
const MAX_LISTED = 8;

function listed(places: readonly unknown[]): string {
  const texts = places.slice(0, MAX_LISTED).map((place) =>
    `"${keyText(place instanceof Uint8Array ? place : String(place))}"`
  );
  const others = places.length - texts.length;
  return others === 0 ? texts.join(", ") : `${texts.join(", ")} and ${others} more`;
}

function worstEffect(errors: ReadonlyMap<unknown, Error>): Effect {
  const effects = [...errors.values()].map((error) =>
    error instanceof KilogramError ? error.effect : "unknown"
  );
  if (effects.includes("unknown")) return "unknown";
  return effects.includes("done") ? "done" : "none";
}

/** The caller's AbortSignal fired; `cause` is its reason. */
export class AbortedError extends KilogramError {
  constructor(call: FailedCall, effect: Effect, reason: unknown) {
    const message = `${callText(call)} was aborted. ${EFFECT_NOTES[effect]}`;
    super("ABORTED", message, { effect, cause: reason, call });
  }
}

/** The client was closed before the call or while it waited. */
export class ClosedError extends KilogramError {
  constructor(call: FailedCall, effect: Effect) {
    const message = `${callText(call)}: this client is closed. ${EFFECT_NOTES[effect]}`;
    super("CLOSED", message, { effect, call });
  }
}

/** The maximum number of calls is already waiting. Nothing was sent. */
export class OverloadedError extends KilogramError {
  constructor(call: FailedCall, limit: number) {
    super(
      "OVERLOADED",
      `${callText(call)}: ${limit} calls already wait for this server; start fewer at once, or ` +
        "let more of them wait: connect(…, { maxWaiting }).",
      { call },
    );
  }
}

/** The server was replaced, or moved on, while a mutation waited: its outcome is unknown. */
export class OutcomeUnknownError extends KilogramError {
  constructor(call: FailedCall) {
    super(
      "OUTCOME_UNKNOWN",
      `${callText(call)} may or may not have been carried out: the server changed before it ` +
        "answered. Read the key to see.",
      { effect: "unknown", call },
    );
  }
}

/** The server answered with a refusal. The base of the four errors below. */
export class RefusedError extends KilogramError {}

/** The server refused the request as invalid (status ERROR). Nothing changed. */
export class RequestError extends RefusedError {
  /** The server's words. */
  readonly reason: string;

  constructor(call: FailedCall, reason: string) {
    super("REQUEST", `The server refused ${callText(call)}: ${reason}`, { call });
    this.reason = reason;
  }
}

/** The mutation was judged before, but its outcome is no longer kept (status DUPLICATE). */
export class DuplicateError extends RefusedError {
  constructor(call: FailedCall) {
    super(
      "DUPLICATE",
      `${callText(call)} had already reached the server, which no longer keeps its outcome: it ` +
        "was carried out once or refused. Read the key to see.",
      { effect: "unknown", call },
    );
  }
}

/** The server, or the engine behind it, has no room and does not evict (status FULL). Nothing changed. */
export class FullError extends RefusedError {
  constructor(call: FailedCall) {
    super(
      "FULL",
      `${callText(call)}: the server, or the engine behind it, is full. Delete keys, give it ` +
        "more memory, or let it evict.",
      { call },
    );
  }
}

/** The value to return is longer than a datagram carries (status TOO_LARGE). */
export class TooLargeError extends RefusedError {
  constructor(call: FailedCall, effect: Effect) {
    const done = effect === "done" ? " The operation itself was carried out." : "";
    const message = `${callText(call)}: the value does not fit a datagram.${done}`;
    super("TOO_LARGE", message, { effect, call });
  }
}

/** A reply under the right key that version 1 of the wire does not define. */
export class ProtocolError extends KilogramError {
  constructor(call: FailedCall, what: string, effect: Effect) {
    const message = `${callText(call)}: the server sent ${what}; is its version newer?`;
    super("PROTOCOL", message, { effect, call });
  }
}

/** The value that was read is not JSON. It is not told, as it may be a secret. */
export class NotJsonError extends KilogramError {
  constructor(call: FailedCall) {
    super("NOT_JSON", `${callText(call)}: its value is not JSON.`, { call });
  }
}

/** DEADLINE_REQUIRED is DeadlineRequiredError, even after a minifier renamed the class. */
function nameOf(code: string): string {
  const words = code.toLowerCase().split("_");
  return `${words.map((word) => word[0].toUpperCase() + word.slice(1)).join("")}Error`;
}
