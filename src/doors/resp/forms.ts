/** The forms of a RESP2 reply, and the errors shared by several commands, as Redis words them. */

import { copyRun } from "../../store/copy.ts";
import { type Found, MAX_STORED_BYTES, NONE } from "../../store/store.ts";
import type { Replies } from "../replies.ts";

const CR = 0x0d;
const LF = 0x0a;
/** What precedes a value: `$`, its length, CR and LF. */
const MAX_HEADER_BYTES = 1 + String(MAX_STORED_BYTES).length + 2;

export const OK = "OK";

export const Refusal = {
  SYNTAX: "ERR syntax error",
  NOT_AN_INTEGER: "ERR value is not an integer or out of range",
  OVERFLOW: "ERR increment or decrement would overflow",
  FULL: "OOM command not allowed when used memory > 'maxmemory'.",
  KEY: "ERR a key has 1 to 128 bytes here",
  REPLY: "ERR the reply would be larger than 4 MiB; ask for fewer keys at a time",
} as const;

/** An ASCII word. */
export function simple(replies: Replies, text: string): void {
  replies.ascii("+");
  replies.ascii(text);
  replies.ascii("\r\n");
}

/** @param text begins with a code, such as ERR; a line break in it becomes a space */
export function error(replies: Replies, text: string): void {
  replies.ascii("-");
  replies.latin1(text.replace(/[\r\n]/g, " "));
  replies.ascii("\r\n");
}

export function integer(replies: Replies, number: number): void {
  replies.ascii(":");
  replies.integer(number);
  replies.ascii("\r\n");
}

export function none(replies: Replies): void {
  replies.ascii("$-1\r\n");
}

/** One byte for each character. */
export function bulk(replies: Replies, latin1: string): void {
  replies.ascii("$");
  replies.integer(latin1.length);
  replies.ascii("\r\n");
  replies.latin1(latin1);
  replies.ascii("\r\n");
}

/** The elements follow. */
export function array(replies: Replies, length: number): void {
  replies.ascii("*");
  replies.integer(length);
  replies.ascii("\r\n");
}

/** Lets an operation put a value where `bulkFound` expects it. */
export function intoReply(replies: Replies, found: Found): Found {
  replies.reserve(MAX_HEADER_BYTES + MAX_STORED_BYTES + 2);
  found.bytes = replies.bytes;
  found.start = replies.length + MAX_HEADER_BYTES;
  found.room = MAX_STORED_BYTES;
  return found;
}

/** The value that an operation put there, or `none` if there was none. */
export function bulkFound(replies: Replies, found: Found): void {
  if (found.length === NONE) {
    none(replies);
    return;
  }
  replies.ascii("$");
  replies.integer(found.length);
  replies.ascii("\r\n");
  const { bytes, length } = replies;
  copyRun(bytes, found.start, bytes, length, found.length);
  const behind = length + found.length;
  bytes[behind] = CR;
  bytes[behind + 1] = LF;
  replies.length = behind + 2;
}
