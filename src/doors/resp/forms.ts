/**
 * The forms of a reply in either version of the protocol, and the errors shared by several commands, as
 * Redis words them.
 */

import { copyRun } from "../../store/copy.ts";
import { type Found, MAX_STORED_BYTES, NONE } from "../../store/store.ts";
import { MAX_KEY_BYTES } from "../../store/item.ts";
import type { Replies } from "../replies.ts";
import type { Client } from "./client.ts";

const CR = 0x0d;
const LF = 0x0a;
/** What precedes a value: `$`, its length, CR and LF. */
const MAX_HEADER_BYTES = 1 + String(MAX_STORED_BYTES).length + 2;

export const OK = "OK";

/** A reply whose form depends on the protocol of its client. */
export interface Answer {
  readonly replies: Replies;
  readonly client: Pick<Client, "protocol">;
}

export const Refusal = {
  SYNTAX: "ERR syntax error",
  NOT_AN_INTEGER: "ERR value is not an integer or out of range",
  OVERFLOW: "ERR increment or decrement would overflow",
  FULL: "OOM command not allowed when used memory > 'maxmemory'.",
  NOT_A_FLOAT: "ERR value is not a valid float",
  NO_SUCH_KEY: "ERR no such key",
  STRING_SIZE: "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
  DB: "ERR DB index is out of range",
  KEY: `ERR a key has 1 to ${MAX_KEY_BYTES} bytes here`,
  REPLY: "ERR the reply would be larger than 4 MiB; ask for fewer keys at a time",
} as const;

/** The largest reply to MGET, KEYS or EXEC, before an error takes its place or that of a part of it. */
export const MAX_REPLY_BYTES = 4 * 1024 * 1024;

/** An ASCII word. */
export function simple(replies: Replies, text: string): void {
  replies.ascii("+");
  replies.ascii(text);
  replies.ascii("\r\n");
}

/** @param text begins with a code, such as ERR; a line break in it becomes a space, at its end nothing */
export function error(replies: Replies, text: string): void {
  replies.ascii("-");
  replies.latin1(text.replace(/[\r\n]+$/, "").replace(/[\r\n]/g, " "));
  replies.ascii("\r\n");
}

export function integer(replies: Replies, number: number): void {
  replies.ascii(":");
  replies.integer(number);
  replies.ascii("\r\n");
}

/** No value. */
export function none({ replies, client }: Answer): void {
  replies.ascii(client.protocol === 3 ? "_\r\n" : "$-1\r\n");
}

/** No array. */
export function noArray({ replies, client }: Answer): void {
  replies.ascii(client.protocol === 3 ? "_\r\n" : "*-1\r\n");
}

/** A map of so many pairs follows: each key and its value. */
export function map({ replies, client }: Answer, pairs: number): void {
  if (client.protocol === 3) header(replies, "%", pairs);
  else array(replies, 2 * pairs);
}

/** A set of so many elements follows. */
export function set({ replies, client }: Answer, length: number): void {
  if (client.protocol === 3) header(replies, "~", length);
  else array(replies, length);
}

/** Text for people, one byte for each character. */
export function verbatim({ replies, client }: Answer, latin1: string): void {
  if (client.protocol === 2) {
    bulk(replies, latin1);
    return;
  }
  header(replies, "=", TEXT.length + latin1.length);
  replies.ascii(TEXT);
  replies.latin1(latin1);
  replies.ascii("\r\n");
}

const TEXT = "txt:";

function header(replies: Replies, sign: string, length: number): void {
  replies.ascii(sign);
  replies.integer(length);
  replies.ascii("\r\n");
}

/** One byte for each character. */
export function bulk(replies: Replies, latin1: string): void {
  header(replies, "$", latin1.length);
  replies.latin1(latin1);
  replies.ascii("\r\n");
}

/** The elements follow. */
export function array(replies: Replies, length: number): void {
  header(replies, "*", length);
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
export function bulkFound(answer: Answer, found: Found): void {
  if (found.length === NONE) {
    none(answer);
    return;
  }
  const { replies } = answer;
  header(replies, "$", found.length);
  const { bytes, length } = replies;
  copyRun(bytes, found.start, bytes, length, found.length);
  const behind = length + found.length;
  bytes[behind] = CR;
  bytes[behind + 1] = LF;
  replies.length = behind + 2;
}
