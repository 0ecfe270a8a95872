/** The keys of the original wire: 32 raw bytes, or one of the text forms of a key. */

import { MasterKeyError } from "../errors.ts";
import { decodeKey, KEY_BYTES } from "../protocol/keys.ts";
import { keysIn } from "./key_source.ts";
import { readSecret } from "./secret_file.ts";
import { UsageError } from "./usage_error.ts";

/** From the file, or from SKVS_ENCRYPTION_KEY if no file is given: one, or two in a line each. */
export function skvsKeys(keyFile: string | undefined, env = process.env): Uint8Array[] {
  if (keyFile !== undefined) return decodeAll(keyFile, readSecret(keyFile));
  const text = env.SKVS_ENCRYPTION_KEY;
  if (text) return decodeAll("SKVS_ENCRYPTION_KEY", text);
  throw new UsageError(
    "--skvs needs the original wire's key: set SKVS_ENCRYPTION_KEY or pass --skvs-key-file FILE",
  );
}

function decodeAll(name: string, text: string): Uint8Array[] {
  // Its 32 characters may be any, also the ends of lines.
  const whole = new TextEncoder().encode(text.trim());
  if (whole.length === KEY_BYTES) return [whole];
  return keysIn(name, text, (line) => decode(name, line));
}

function decode(name: string, text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === KEY_BYTES) return bytes;
  try {
    return decodeKey(text);
  } catch (error) {
    if (!(error instanceof MasterKeyError)) throw error;
    throw new UsageError(
      `${name} holds ${bytes.length} characters: the original wire's key is 32, or 44 of base64 ` +
        "or 64 of hex",
    );
  }
}
