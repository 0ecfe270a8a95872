/** Where the master key comes from: never the command line, which everybody on a machine sees. */

import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { equalBytes } from "../bytes.ts";
import { MasterKeyError } from "../errors.ts";
import { decodeKey, encodeKey, generateKey, KEY_BYTES } from "../protocol/keys.ts";
import { MAX_KEYS } from "../statistics.ts";
import { readSecret, statSecret } from "./secret_file.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";
import { draftOf } from "./whole_file.ts";

const OWNER_ONLY = 0o600;

const FROM_ENVIRONMENT = "KG_KEY";

export interface KeyOnHand {
  /** The key that a client seals with: the first. */
  readonly key: Uint8Array;
  /** All keys, one or two, that a server accepts. */
  readonly keys: readonly Uint8Array[];
  /** Where the keys come from, for display. */
  readonly origin: string;
}

/** The key of this user's own servers and clients, for use without any configuration. */
export function userKeyPath(env = process.env): string {
  const isWindows = process.platform === "win32";
  const home = isWindows ? env.APPDATA : env.XDG_CONFIG_HOME;
  return join(
    home || join(homedir(), isWindows ? "AppData/Roaming" : ".config"),
    "kilogram",
    "key",
  );
}

/**
 * The key from --key-file, KG_KEY, KG_KEY_FILE or this user's key file, the first of these that is
 * given. Null if there is none.
 */
export function findKey(keyFile: string | undefined, env = process.env): KeyOnHand | null {
  if (keyFile !== undefined) return readKeyFile(keyFile);
  if (env.KG_KEY) return onHand(FROM_ENVIRONMENT, env.KG_KEY);
  if (env.KG_KEY_FILE) return readKeyFile(env.KG_KEY_FILE);
  const path = userKeyPath(env);
  return statSecret(path) === undefined ? null : readKeyFile(path);
}

/** Like findKey, for a client, which can do nothing without a key. */
export function requireKey(keyFile: string | undefined): KeyOnHand {
  const found = findKey(keyFile);
  if (found !== null) return found;
  throw new UsageError(
    "there is no key: copy the server's to a file and pass --key-file FILE or set KG_KEY_FILE " +
      `(or KG_KEY), or start "kg serve" on this machine, which makes ${userKeyPath()}`,
  );
}

/**
 * Like findKey, for a server that runs: what it has may not become another by itself.
 * @throws {UsageError} if the key was not in a file
 */
export function rereadKey(keyFile: string | undefined): KeyOnHand {
  const found = findKey(keyFile);
  if (found === null) throw new SystemError(`there is no key file ${userKeyPath()}`);
  if (found.origin !== FROM_ENVIRONMENT) return found;
  throw new UsageError("the key is from KG_KEY, which can't be read again: use a key file");
}

/** Like findKey, for a server: if there is no key, makes this user's. */
export function findOrMakeKey(keyFile: string | undefined): KeyOnHand & { isNew: boolean } {
  const found = findKey(keyFile);
  if (found !== null) return { ...found, isNew: false };
  const path = userKeyPath();
  const isNew = writeNewKey(path, ": name another file with --key-file");
  return { ...readKeyFile(path), isNew };
}

/**
 * Writes a new key, readable only by its owner, unless the file exists.
 * @param advice what to do when it can't be written
 * @returns false if the file exists, which is left unchanged
 */
export function writeNewKey(path: string, advice = ""): boolean {
  const draft = draftOf(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${encodeKey(generateKey())}\n`, { mode: OWNER_ONLY, flag: "wx" });
    return publish(draft, path);
  } catch (error) {
    throw new SystemError(`can't write a key to "${path}" (${codeOf(error)})${advice}`);
  }
}

/** A link appears whole or not at all: of two servers that start at once, one makes the key. */
function publish(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}

/** Reads a key file, and refuses one that others can read. */
export function readKeyFile(path: string): KeyOnHand {
  return onHand(path, readSecret(path));
}

function onHand(origin: string, text: string): KeyOnHand {
  const keys = keysIn(origin, text, (line) => decodeNamed(origin, line));
  return { key: keys[0], keys, origin };
}

/** The different keys in a text, a line each: at least one, at most two. */
export function keysIn(
  origin: string,
  text: string,
  decode: (line: string) => Uint8Array,
): Uint8Array[] {
  const lines = text.trim().split(/\s*\n\s*/);
  if (lines.length > MAX_KEYS) {
    throw new UsageError(
      `${origin} has ${lines.length} lines: a key and, while it is replaced, one more`,
    );
  }
  const [first, second = first] = lines.map(decode);
  return equalBytes(first, 0, second, 0, KEY_BYTES) ? [first] : [first, second];
}

function decodeNamed(name: string, text: string): Uint8Array {
  try {
    return decodeKey(text);
  } catch (error) {
    if (error instanceof MasterKeyError) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
