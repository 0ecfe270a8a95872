/** All keys of a store by SCAN, page by page. */

import { assertEquals } from "@std/assert";
import { readU16 } from "../../src/bytes.ts";
import { type Page, Result, type Store } from "../../src/store/store.ts";

/** @param onPage called between two pages */
export function* scanAll(
  store: Pick<Store, "scan">,
  prefix: string,
  maxKeyBytes = 128,
  mostKeys = Number.POSITIVE_INFINITY,
  onPage = () => {},
): Generator<string> {
  const page = pageOf(maxKeyBytes, mostKeys);
  const bytes = Buffer.from(prefix, "latin1");
  do {
    assertEquals(store.scan({ bytes, start: 0, length: bytes.length }, page), Result.DONE);
    yield* keysOf(page);
    onPage();
  } while (page.cursor !== 0);
}

export function pageOf(maxKeyBytes = 128, mostKeys = Number.POSITIVE_INFINITY): Page {
  const bytes = new Uint8Array(4_096);
  return {
    ...{ cursor: 0, bytes, start: 3, room: 4_000, mostKeys, maxKeyBytes, count: 0, length: 0 },
  };
}

function* keysOf({ bytes, start, length, count }: Page): Generator<string> {
  let keys = 0;
  for (let at = start; at < start + length; keys++) {
    const end = at + 2 + readU16(bytes, at);
    yield Buffer.from(bytes.subarray(at + 2, end)).toString("latin1");
    at = end;
  }
  assertEquals(keys, count);
}
