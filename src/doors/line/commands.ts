/**
 * The commands of the line protocol. SET, GET, DELETE, USAGE and QUIT are those of Blink Store and
 * answer as they do there; the others add what its users had to do without.
 */

import { Buffer } from "node:buffer";
import { MAX_TTL_MS } from "../../protocol/frame.ts";
import { parseNumber } from "../../store/number.ts";
import { MAX_KEY_BYTES } from "../../store/item.ts";
import { MAX_PREFIX_BYTES } from "../../store/layout.ts";
import { MAX_STORED_BYTES, Result, type Span } from "../../store/store.ts";
import { BAD_DELTA, REFUSALS } from "../../refusals.ts";
import { isHttpWord } from "../foreign.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Replies } from "../replies.ts";
import type { LineRequest } from "./request.ts";

export interface Context {
  readonly keyspace: Keyspace;
  readonly request: LineRequest;
  readonly replies: Replies;
  isOver: boolean;
}

interface Command {
  /** The words after the command, as a usage error shows them. */
  readonly usage: string;
  /** The number of words, the command included. */
  readonly words: readonly [least: number, most: number];
  run(context: Context): void;
}

/** Stands for the empty value, whose base64 is empty, and for the empty prefix. */
const EMPTY = "-";
/** Most keys in a line. */
const KEYS_OF_PAGE = 1_000;

/** Holds a value before it is sent as base64. */
const value = Buffer.allocUnsafeSlow(MAX_STORED_BYTES);

export function writeError(message: string, replies: Replies): void {
  replies.ascii("ERROR ");
  replies.text(message);
  replies.ascii("\n");
}

function answer({ replies }: Context, line: string): void {
  replies.ascii(line);
  replies.ascii("\n");
}

function ping(context: Context): void {
  const { outage } = context.keyspace;
  if (outage === null) answer(context, "PONG");
  else writeError(outage, context.replies);
}

function answerResult(context: Context, result: Result): void {
  if (result === Result.DONE) answer(context, "OK");
  else if (result === Result.MISSING) answer(context, "NOT_FOUND");
  else if (result === Result.PRESENT) answer(context, "EXISTS");
  else refuse(context, result);
}

function refuse({ replies }: Context, result: Result): void {
  writeError(REFUSALS[result as keyof typeof REFUSALS] ?? "refused", replies);
}

/** Sends the value that an operation found. */
function answerValue(context: Context, result: Result): void {
  if (result !== Result.DONE) {
    answerResult(context, result);
    return;
  }
  const { replies, keyspace } = context;
  replies.ascii("VALUE ");
  replies.latin1(value.toString("base64", 0, keyspace.found.length));
  replies.ascii("\n");
}

function wantValue({ keyspace: { found } }: Context) {
  found.bytes = value;
  found.start = 0;
  found.room = value.length;
  return found;
}

/** One that can't be a key is one that is not there. */
function takeKey({ keyspace, request }: Context): void {
  request.show(1, keyspace.key);
}

/** A key to store; replies with an error if it can't be a key. */
function takeNewKey(context: Context): boolean {
  takeKey(context);
  if (context.keyspace.hasKey) return true;
  writeError(`a key has 1 to ${MAX_KEY_BYTES} bytes`, context.replies);
  return false;
}

function get(context: Context): void {
  takeKey(context);
  const isThere = context.keyspace.get(wantValue(context));
  answerValue(context, isThere ? Result.DONE : Result.MISSING);
}

function set(context: Context): void {
  if (!takeNewKey(context)) return;
  context.request.showRest(1, context.keyspace.value);
  put(context, 0, true);
}

function setBase64(context: Context): void {
  putBase64(context, 2, (expiresAtMs) => put(context, expiresAtMs, true));
}

/** Stores a key that is not there. */
function setNew(context: Context): void {
  putBase64(context, 2, (expiresAtMs) => put(context, expiresAtMs, false));
}

/** Replaces a value that is the expected one. */
function setIf(context: Context): void {
  const { keyspace } = context;
  putBase64(context, 3, (expiresAtMs) => {
    const expected = takeBase64(context, 2);
    if (expected === null || !fits(context, keyspace.value.length)) return;
    answerComparison(context, keyspace.setIfEqual(expected, expiresAtMs, keyspace.noValue));
  });
}

function removeIf(context: Context): void {
  const expected = takeBase64(context, 2);
  if (expected === null) return;
  takeKey(context);
  answerComparison(context, context.keyspace.deleteIfEqual(expected));
}

/** Another value is like none. */
function answerComparison(context: Context, result: Result): void {
  answerResult(context, result === Result.PRESENT ? Result.MISSING : result);
}

/** @param word the value's, in base64, before that of its time to live */
function putBase64(context: Context, word: number, put: (expiresAtMs: number) => void): void {
  if (!takeNewKey(context)) return;
  const expiresAtMs = takeExpiry(context, word + 1);
  if (expiresAtMs === null) return;
  const value = takeBase64(context, word);
  if (value === null) return;
  Object.assign(context.keyspace.value, value);
  put(expiresAtMs);
}

/** The bytes of a word in base64; null after replying with an error. */
function takeBase64({ request, replies }: Context, word: number): Span | null {
  const text = request.latin1(word);
  const bytes = Buffer.from(text === EMPTY ? "" : text, "base64");
  // Two blanks are an empty value that was not written as `-`.
  if (request.blanksBefore(word) > 1 || (text !== EMPTY && bytes.toString("base64") !== text)) {
    writeError("the value is not base64 (RFC 4648, section 4; - if it is empty)", replies);
    return null;
  }
  return { bytes, start: 0, length: bytes.length };
}

function put(context: Context, expiresAtMs: number, overwrite: boolean): void {
  const { keyspace } = context;
  if (!fits(context, keyspace.value.length)) return;
  answerResult(context, keyspace.set(expiresAtMs, overwrite, keyspace.noValue));
}

function fits({ replies }: Context, length: number): boolean {
  if (length <= MAX_STORED_BYTES) return true;
  writeError(`a value has at most ${MAX_STORED_BYTES} bytes, not ${length}`, replies);
  return false;
}

function remove(context: Context): void {
  takeKey(context);
  const { keyspace } = context;
  answerResult(context, keyspace.delete(keyspace.noValue));
}

function add(context: Context): void {
  if (!takeNewKey(context)) return;
  const { keyspace, request, replies } = context;
  const expiresAtMs = takeExpiry(context, 3);
  if (expiresAtMs === null) return;
  request.show(2, keyspace.value);
  const { bytes, start, length } = keyspace.value;
  const delta = parseNumber(bytes, start, length);
  if (delta === null) writeError(BAD_DELTA, replies);
  else {
    const found = wantValue(context);
    answerValue(context, keyspace.add(delta, expiresAtMs, found));
  }
}

function expire(context: Context): void {
  const expiresAtMs = takeExpiry(context, 2);
  if (expiresAtMs === null) return;
  takeKey(context);
  answerResult(context, context.keyspace.touch(expiresAtMs));
}

/** Answers −1 for a key that never expires. */
function ttl(context: Context): void {
  takeKey(context);
  const { keyspace, replies } = context;
  if (!keyspace.peek()) {
    answer(context, "NOT_FOUND");
    return;
  }
  const { expiresAtMs } = keyspace.noValue;
  replies.ascii("TTL ");
  replies.integer(expiresAtMs === 0 ? -1 : keyspace.clock.ttlOf(expiresAtMs));
  replies.ascii("\n");
}

/** The expiry for a word's time to live; 0 without the word; null after replying with an error. */
function takeExpiry({ request, keyspace, replies }: Context, word: number): number | null {
  if (request.count <= word) return 0;
  const text = request.latin1(word);
  const ttlMs = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (ttlMs <= MAX_TTL_MS) return keyspace.clock.expiryIn(ttlMs);
  writeError(`a time to live is a whole number of ms, 1 to ${MAX_TTL_MS}`, replies);
  return null;
}

/** A page of keys in base64, and the cursor of the next; 0 after the last. */
function keys(context: Context): void {
  const { keyspace, request, replies } = context;
  const cursor = request.count < 3 ? "0" : request.latin1(2);
  takePrefix(context);
  const isKnown = /^\d{1,16}$/.test(cursor) &&
    keyspace.scan(keyspace.key, Number(cursor), KEYS_OF_PAGE) === Result.DONE;
  if (!isKnown) {
    writeError("the cursor is not one that KEYS has given since the server started", replies);
    return;
  }
  replies.ascii(`KEYS ${keyspace.page.cursor}`);
  for (const key of keyspace.pageKeys()) {
    replies.ascii(` ${Buffer.from(key, "latin1").toString("base64")}`);
  }
  replies.ascii("\n");
}

function drop(context: Context): void {
  const { keyspace, replies } = context;
  takePrefix(context);
  if (keyspace.key.length > MAX_PREFIX_BYTES) {
    writeError(`a prefix has at most ${MAX_PREFIX_BYTES} bytes`, replies);
    return;
  }
  const result = keyspace.drop(keyspace.key);
  if (result === null) writeError("too many DROPs are under way: send it again soon", replies);
  else answerResult(context, result);
}

function takePrefix({ keyspace, request }: Context): void {
  request.show(1, keyspace.key);
  if (request.latin1(1) === EMPTY) keyspace.key.length = 0;
}

function usage({ replies, keyspace }: Context): void {
  replies.ascii("USAGE ");
  replies.integer(keyspace.counts.payloadBytes);
  replies.ascii("\n");
}

function quit(context: Context): void {
  context.isOver = true;
}

const GET: Command = { usage: "key", words: [2, 2], run: get };
const DELETE: Command = { usage: "key", words: [2, 2], run: remove };
const USAGE: Command = { usage: "", words: [1, 1], run: usage };

const commands: ReadonlyMap<string, Command> = new Map([
  ["GET", GET],
  ["SET", { usage: "key value", words: [2, Number.POSITIVE_INFINITY], run: set }],
  ["SETB64", { usage: "key base64 [ttl-ms]", words: [3, 4], run: setBase64 }],
  ["NEWB64", { usage: "key base64 [ttl-ms]", words: [3, 4], run: setNew }],
  ["SETIF", { usage: "key expected-base64 base64 [ttl-ms]", words: [4, 5], run: setIf }],
  ["DELETEIF", { usage: "key expected-base64", words: [3, 3], run: removeIf }],
  ["DELETE", DELETE],
  ["DEL", DELETE],
  ["ADD", { usage: "key delta [ttl-ms]", words: [3, 4], run: add }],
  ["EXPIRE", { usage: "key ms", words: [3, 3], run: expire }],
  ["TTL", { usage: "key", words: [2, 2], run: ttl }],
  ["KEYS", { usage: "prefix [cursor]", words: [2, 3], run: keys }],
  ["DROP", { usage: "prefix", words: [2, 2], run: drop }],
  ["USAGE", USAGE],
  ["STATS", USAGE],
  ["PING", { usage: "", words: [1, 1], run: ping }],
  ["QUIT", { usage: "", words: [1, 1], run: quit }],
]);

/** Carries out the request at hand. */
export function perform(context: Context): void {
  const { request, replies } = context;
  const name = request.count === 0 ? "" : request.latin1(0).toUpperCase();
  const command = commands.get(name);
  if (isHttpWord(name)) {
    writeError("this is no HTTP server", replies);
    context.isOver = true;
    return;
  }
  if (command === undefined) {
    writeError(`unknown command; there are ${[...commands.keys()].join(", ")}`, replies);
    return;
  }
  const [least, most] = command.words;
  if (request.count >= least && request.count <= most) command.run(context);
  else writeError(`usage: ${name} ${command.usage}`.trimEnd(), replies);
}
