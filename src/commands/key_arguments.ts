/** Keys as arguments: text, or with --key-base64 any bytes. */

import { keyBytes } from "../arguments.ts";
import { fromBase64 } from "./base64.ts";
import type { Input, Options } from "./command.ts";
import { valueFields } from "./output.ts";
import { UsageError } from "./usage_error.ts";

export const KEY_OPTIONS = {
  "key-base64": { type: "boolean", help: "KEY is in base64, as for a key that is not text" },
} as const satisfies Options;

/** The first argument as a key. @throws UsageError, InvalidArgumentError */
export function keyOf(input: Input): Uint8Array {
  return bytesOf(input, input.parameters[0]);
}

/** All arguments as keys, each once, by what was typed. @throws UsageError, InvalidArgumentError */
export function keysOf(input: Input): Map<string, Uint8Array> {
  return new Map(input.parameters.map((text) => [text, bytesOf(input, text)]));
}

function bytesOf(input: Input, text: string): Uint8Array {
  if (!input.flag("key-base64")) return keyBytes(text);
  const bytes = fromBase64(text);
  if (bytes === null) throw new UsageError(`"${text}" is not base64 (RFC 4648, section 4)`);
  return keyBytes(bytes);
}

/** A key as a member of an object: `key` if it is text, otherwise `keyBase64`. */
export function keyFields(key: Uint8Array): Record<string, string | undefined> {
  return valueFields(key, "key");
}
