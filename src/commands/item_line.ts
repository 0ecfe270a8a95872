/**
 * The format of an export: a line of JSON for each key, such as `{"key":"color","value":"blue"}`.
 * Bytes that are not UTF-8 are in base64, under `keyBase64` and `valueBase64`. A key that expires
 * has `expiresAtMs`, since 1970. An export of several servers says which `server` has the key.
 */

import { Buffer } from "node:buffer";
import type { StoredItem } from "../journal/journal_executor.ts";
import { MAX_KEY_BYTES } from "../store/item.ts";
import { MAX_STORED_BYTES } from "../store/store.ts";
import { fromBase64 } from "./base64.ts";
import { nearest } from "../nearest.ts";
import { jsonText, valueFields } from "./output.ts";
import { UsageError } from "./usage_error.ts";

/** The longest line: a key and a value with every character escaped as six. */
const MAX_LINE_BYTES = 6 * (MAX_KEY_BYTES + MAX_STORED_BYTES) + 1_024;

/** The members of a line. */
const MEMBERS = ["key", "keyBase64", "value", "valueBase64", "expiresAtMs", "server"] as const;
/** What the expiry is called elsewhere. */
const EXPIRY = /^(?:ttl|px?|ex|exp|expir[ey])/i;

const NEWLINE = 0x0a;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @param server which of several it is from */
export function lineOf({ key, value, expiresAtMs }: StoredItem, server?: string): string {
  const rest = { ...(expiresAtMs === 0 ? {} : { expiresAtMs }), server };
  return `${jsonText({ ...valueFields(key, "key"), ...valueFields(value), ...rest })}\n`;
}

/** The items in a stream of lines, empty ones skipped. @throws UsageError that names the line */
export async function* readItems(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<StoredItem & { readonly line: number }> {
  let line = 0;
  for await (const bytes of linesOf(stream)) {
    line++;
    if (bytes.length === 0) continue;
    try {
      yield { ...parseItem(bytes), line };
    } catch (error) {
      if (error instanceof UsageError) throw new UsageError(`line ${line}: ${error.message}`);
      throw error;
    }
  }
}

async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > MAX_LINE_BYTES) throw new UsageError("there is a line too long to be an item");
  }
  if (restBytes > 0) yield Buffer.concat(rest);
}

function parseItem(bytes: Uint8Array): StoredItem {
  const fields = parseObject(bytes);
  checkMembers(fields);
  const key = bytesOf(fields, "key");
  const value = bytesOf(fields, "value");
  if (key.length < 1 || key.length > MAX_KEY_BYTES) {
    throw new UsageError(`the key has ${key.length} bytes; a key has 1 to ${MAX_KEY_BYTES}`);
  }
  if (value.length > MAX_STORED_BYTES) {
    throw new UsageError(`the value has ${value.length} bytes, over ${MAX_STORED_BYTES}`);
  }
  return { key, value, expiresAtMs: expiryOf(fields) };
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const fields: unknown = JSON.parse(text);
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) {
      return fields as Record<string, unknown>;
    }
  } catch {
    // Reported below, like JSON that is not an object.
  }
  throw new UsageError('this is not a JSON object, such as {"key":"color","value":"blue"}');
}

/** What is not known may matter: a key whose time to live is overlooked would stay for ever. */
function checkMembers(fields: Readonly<Record<string, unknown>>): void {
  const known: readonly string[] = MEMBERS;
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = nearest(unknown, MEMBERS) ?? (EXPIRY.test(unknown) ? "expiresAtMs" : undefined);
  const hint = meant === undefined
    ? `it may have ${MEMBERS.join(", ")}`
    : `did you mean "${meant}"?`;
  throw new UsageError(`"${unknown}" is no member of a line: ${hint}`);
}

function bytesOf(fields: Readonly<Record<string, unknown>>, name: string): Uint8Array {
  const [text, base64] = [fields[name], fields[`${name}Base64`]];
  if (typeof text === "string" && base64 === undefined) {
    if (!LONE_SURROGATE.test(text)) return Buffer.from(text);
    throw new UsageError(`"${name}" has half of a surrogate pair; use "${name}Base64"`);
  }
  if (typeof base64 === "string" && text === undefined) {
    const bytes = fromBase64(base64);
    if (bytes !== null) return bytes;
    throw new UsageError(`"${name}Base64" is not base64 (RFC 4648, section 4)`);
  }
  throw new UsageError(`it needs "${name}" or "${name}Base64", a string`);
}

function expiryOf({ expiresAtMs }: Readonly<Record<string, unknown>>): number {
  if (expiresAtMs === undefined) return 0;
  if (Number.isSafeInteger(expiresAtMs) && Number(expiresAtMs) > 0) return Number(expiresAtMs);
  throw new UsageError('"expiresAtMs" is not a whole number of ms since 1970');
}
