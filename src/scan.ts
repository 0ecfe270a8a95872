/** Walks over all keys with SCAN, a page at a time. Source: docs/WIRE.md, section 4, «SCAN». */

import { copyBytes, readU16 } from "./bytes.ts";
import {
  AbortedError,
  ClosedError,
  InvalidArgumentError,
  RequestError,
  SomeFailedError,
} from "./errors.ts";
import { nameOf } from "./many.ts";
import type { Reply } from "./protocol/call.ts";
import type { Destination, ServerDestination } from "./protocol/destination.ts";
import { CURSOR_BYTES, SCANNED_LENGTH_BYTES, Status } from "./protocol/frame.ts";

/** After a restart of the server the walk begins anew, at most this often. */
const MAX_RESTARTS = 8;
const NO_CURSOR = new Uint8Array(0);

/** These errors end a walk over several servers at once: they are the caller's. */
const FINAL = [AbortedError, ClosedError, InvalidArgumentError] as const;

/**
 * The keys of all servers, one after the other; without those that are left at a server which is not
 * their home, where no call would find them.
 * @throws {SomeFailedError} after the others' keys
 */
export async function* scanAll(
  destination: Destination,
  page: (server: ServerDestination, cursor: Uint8Array) => Promise<Reply>,
): AsyncGenerator<Uint8Array, void> {
  const { stores: servers } = destination;
  const errors = new Map<string, Error>();
  for (const server of servers) {
    try {
      for await (const key of scan((cursor) => page(server, cursor))) {
        if (servers.length === 1 || destination.homeOf(key) === server) yield key;
      }
    } catch (error) {
      const isFinal = FINAL.some((each) => error instanceof each);
      if (servers.length === 1 || isFinal) throw error;
      errors.set(nameOf(server), error as Error);
    }
  }
  if (errors.size === 0) return;
  const what = `keys: ${errors.size} of ${servers.length} servers`;
  throw new SomeFailedError(what, errors, new Map(), false);
}

/** @param page asks for the page of a cursor: none to begin, or 8 bytes */
async function* scan(
  page: (cursor: Uint8Array) => Promise<Reply>,
): AsyncGenerator<Uint8Array, void> {
  let cursor = NO_CURSOR;
  for (let restarts = 0; restarts <= MAX_RESTARTS;) {
    const { status, value } = await page(cursor);
    if (status === Status.NOT_FOUND) {
      cursor = NO_CURSOR;
      restarts++;
      continue;
    }
    yield* keysOf(value);
    cursor = copyBytes(value, 0, CURSOR_BYTES);
    if (cursor.every((byte) => byte === 0)) return;
  }
  throw new RequestError(
    { operation: "SCAN" },
    `it lost its place ${MAX_RESTARTS} times, by restarts.`,
  );
}

function* keysOf(value: Uint8Array): Generator<Uint8Array> {
  for (let at = CURSOR_BYTES; at < value.length;) {
    const start = at + SCANNED_LENGTH_BYTES;
    at = start + readU16(value, at);
    yield copyBytes(value, start, at);
  }
}
