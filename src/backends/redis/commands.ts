/** Commands as bytes of RESP. */

import { Buffer } from "node:buffer";
import { assert } from "../../assert.ts";
import type { Span } from "../../store/store.ts";

/** A word of a command: ASCII text, or a run of bytes, of which `keep` tells the place in the command. */
export type Word = string | { readonly span: Span; readonly keeps?: boolean };

/**
 * Encodes a command.
 * @returns its bytes; spans that are kept point into them from now on
 */
export function encode(words: readonly Word[]): Buffer {
  const heads = words.map((word) => `$${lengthOf(word)}\r\n`);
  const count = `*${words.length}\r\n`;
  const size = words.reduce<number>(
    (sum, word, i) => sum + heads[i].length + lengthOf(word) + 2,
    count.length,
  );
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = bytes.write(count, "latin1");
  for (const [i, word] of words.entries()) {
    at += bytes.write(heads[i], at, "latin1");
    if (typeof word === "string") at += bytes.write(word, at, "latin1");
    else at = put(bytes, at, word);
    at += bytes.write("\r\n", at, "latin1");
  }
  return bytes;
}

function lengthOf(word: Word): number {
  return typeof word === "string" ? word.length : word.span.length;
}

function put(bytes: Buffer, at: number, { span, keeps }: Exclude<Word, string>): number {
  const { start, length } = span;
  assert(start + length <= span.bytes.length, "a span is within its bytes");
  bytes.set(span.bytes.subarray(start, start + length), at);
  if (keeps) Object.assign(span, { bytes, start: at });
  return at + length;
}
