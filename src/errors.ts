/** Every error that a caller of the library can meet. */

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

/** The base of all errors: `code` is for programs, `message` for people. */
export class KilogramError extends Error {
  readonly code: string;
  readonly effect: Effect;

  constructor(code: string, message: string, effect: Effect = "none", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = nameOf(code);
    this.code = code;
    this.effect = effect;
  }
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
  constructor(reason: string) {
    super(
      "MASTER_KEY",
      `This is not a key: ${reason}. A key is 32 bytes, as 44 characters of base64 or 64 of ` +
        "hex. Make one with: kg keygen",
    );
  }
}

/** What is known about a call without an answer. */
interface DeadlineDetails {
  /** What the network reported, if anything: a hint, since it can be forged. */
  readonly cause?: unknown;
  /** The server that was asked. */
  readonly server?: { readonly name: string | undefined; readonly address: string };
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
    operation: string,
    waitedMs: number,
    effect: Effect | null,
    note: string,
    { cause, server, why }: DeadlineDetails = {},
  ) {
    const name = server === undefined ? "" : ` from ${server.name ?? server.address}`;
    const parts = [
      `${operation} had no answer${name} after ${Math.round(waitedMs)} ms:`,
      why ?? NO_ANSWER,
      cause instanceof Error ? `The network reported: ${cause.message}.` : "",
      note,
      effect === null ? "" : EFFECT_NOTES[effect],
    ];
    const message = parts.filter((part) => part !== "").join(" ");
    super("DEADLINE_EXCEEDED", message, effect ?? "none", cause);
  }
}

/** The server that has the key is known to be down. Nothing was sent. */
export class ServerDownError extends KilogramError {
  /** Its name. */
  readonly server: string;

  /** @param why what is known, as the end of a sentence */
  constructor(operation: string, server: string, why: string) {
    super(
      "SERVER_DOWN",
      `${operation}: the server ${server} is down: ${why}.`,
    );
    this.server = server;
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
    super("SOME_FAILED", `${what} failed; the first: ${first?.message}`, effect, first);
    this.errors = errors;
    this.results = results;
  }
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
  constructor(operation: string, effect: Effect, reason: unknown) {
    super("ABORTED", `${operation} was aborted. ${EFFECT_NOTES[effect]}`, effect, reason);
  }
}

/** The client was closed before the call or while it waited. */
export class ClosedError extends KilogramError {
  constructor(operation: string, effect: Effect) {
    super("CLOSED", `${operation}: this client is closed. ${EFFECT_NOTES[effect]}`, effect);
  }
}

/** The maximum number of calls is already waiting. Nothing was sent. */
export class OverloadedError extends KilogramError {
  constructor(operation: string, limit: number) {
    super(
      "OVERLOADED",
      `${operation}: ${limit} calls already wait for this server; start fewer at once.`,
    );
  }
}

/** The server was replaced, or moved on, while a mutation waited: its outcome is unknown. */
export class OutcomeUnknownError extends KilogramError {
  constructor(operation: string) {
    super(
      "OUTCOME_UNKNOWN",
      `${operation} may or may not have been carried out: the server changed before it ` +
        "answered. Read the key to see.",
      "unknown",
    );
  }
}

/** The server answered with a refusal. The base of the four errors below. */
export class RefusedError extends KilogramError {}

/** The server refused the request as invalid (status ERROR). Nothing changed. */
export class RequestError extends RefusedError {
  constructor(operation: string, message: string) {
    super("REQUEST", `The server refused ${operation}: ${message}`);
  }
}

/** The mutation was judged before, but its outcome is no longer kept (status DUPLICATE). */
export class DuplicateError extends RefusedError {
  constructor(operation: string) {
    super(
      "DUPLICATE",
      `${operation} had already reached the server, which no longer keeps its outcome: it was ` +
        "carried out once or refused. Read the key to see.",
      "unknown",
    );
  }
}

/** The server has no room and does not evict (status FULL). Nothing changed. */
export class FullError extends RefusedError {
  constructor(operation: string) {
    super(
      "FULL",
      `${operation}: the server is full. Delete keys, give it more --memory, or let it evict.`,
    );
  }
}

/** The value to return is longer than a datagram carries (status TOO_LARGE). */
export class TooLargeError extends RefusedError {
  constructor(operation: string, effect: Effect) {
    const done = effect === "done" ? " The operation itself was carried out." : "";
    super("TOO_LARGE", `${operation}: the value does not fit a datagram.${done}`, effect);
  }
}

/** A reply under the right key that version 1 of the wire does not define. */
export class ProtocolError extends KilogramError {
  constructor(operation: string, what: string, effect: Effect) {
    super("PROTOCOL", `${operation}: the server sent ${what}; is its version newer?`, effect);
  }
}

/** DEADLINE_REQUIRED is DeadlineRequiredError, even after a minifier renamed the class. */
function nameOf(code: string): string {
  const words = code.toLowerCase().split("_");
  return `${words.map((word) => word[0].toUpperCase() + word.slice(1)).join("")}Error`;
}
