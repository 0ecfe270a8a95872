/** Walks over all keys with SCAN, a page at a time. Source: docs/WIRE.md, section 4, «SCAN». */

import { copyBytes, readU16 } from "./bytes.ts";
import { RequestError } from "./errors.ts";
import type { Reply } from "./protocol/call.ts";
import { CURSOR_BYTES, SCANNED_LENGTH_BYTES, Status } from "./protocol/frame.ts";

/** After a restart of the server the walk begins anew, at most this often. */
const MAX_RESTARTS = 8;
const NO_CURSOR = new Uint8Array(0);

/** @param page asks for the page of a cursor: none to begin, or 8 bytes */
export async function* scan(
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
  throw new RequestError("SCAN", `it lost its place ${MAX_RESTARTS} times, by restarts.`);
}

function* keysOf(value: Uint8Array): Generator<Uint8Array> {
  for (let at = CURSOR_BYTES; at < value.length;) {
    const start = at + SCANNED_LENGTH_BYTES;
    at = start + readU16(value, at);
    yield copyBytes(value, start, at);
  }
}
