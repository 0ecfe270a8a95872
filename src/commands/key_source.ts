/** Where the master key comes from: never the command line, which everybody on a machine sees. */

import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { MasterKeyError } from "../errors.ts";
import { decodeKey, encodeKey, generateKey } from "../protocol/keys.ts";
import { UsageError } from "./usage_error.ts";

/** Permission bits of anybody but the owner. */
const OTHERS = 0o077;
const OWNER_ONLY = 0o600;
/** Room for a key in any of its forms, and a line or two around it. */
const MAX_KEY_FILE_BYTES = 4_096;

export interface KeyOnHand {
  readonly key: Uint8Array;
  /** For people: where it comes from. */
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
 * The key that was named: by --key-file, else by KG_KEY, else by KG_KEY_FILE, else this user's.
 * Null when there is none of them.
 */
export function findKey(keyFile: string | undefined, env = process.env): KeyOnHand | null {
  if (keyFile !== undefined) return readKeyFile(keyFile);
  if (env.KG_KEY) return { key: decodeNamed("KG_KEY", env.KG_KEY), origin: "KG_KEY" };
  if (env.KG_KEY_FILE) return readKeyFile(env.KG_KEY_FILE);
  const path = userKeyPath(env);
  return statOf(path) === undefined ? null : readKeyFile(path);
}

/** As findKey, for a client: without a key it can say nothing. */
export function requireKey(keyFile: string | undefined): KeyOnHand {
  const found = findKey(keyFile);
  if (found !== null) return found;
  throw new UsageError(
    "there is no key: copy the server's to a file and pass --key-file FILE or set KG_KEY_FILE " +
      `(or KG_KEY), or start "kg serve" on this machine, which makes ${userKeyPath()}`,
  );
}

/** As findKey, for a server: without a key it makes this user's. */
export function findOrMakeKey(keyFile: string | undefined): KeyOnHand & { isNew: boolean } {
  const found = findKey(keyFile);
  if (found !== null) return { ...found, isNew: false };
  const path = userKeyPath();
  const isNew = writeNewKey(path, ": name another file with --key-file");
  return { ...readKeyFile(path), isNew };
}

/**
 * Writes a new key, readable by its owner alone, where there is no file yet.
 * @param advice what to do when it can't be written
 * @returns false when there is a file, which stays as it is
 */
export function writeNewKey(path: string, advice = ""): boolean {
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${encodeKey(generateKey())}\n`, { mode: OWNER_ONLY });
    chmodSync(draft, OWNER_ONLY);
    return publish(draft, path);
  } catch (error) {
    throw new UsageError(`can't write a key to "${path}" (${codeOf(error)})${advice}`);
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
  return { key: decodeNamed(path, readSecret(path)), origin: path };
}

/** The text of a file that nobody but its owner may read. */
export function readSecret(path: string): string {
  const file = statOf(path);
  if (file === undefined) throw new UsageError(`there is no key file ${path}`);
  if (!file.isFile() || file.size > MAX_KEY_FILE_BYTES) {
    throw new UsageError(`${path} is not a key file: it is not a file, or too large for a key`);
  }
  if (process.platform !== "win32" && (file.mode & OTHERS) !== 0) {
    throw new UsageError(`others can read the key file ${path}: chmod 600 ${path}`);
  }
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`can't read the key file ${path} (${codeOf(error)})`);
  }
}

/** What a path leads to; undefined for nothing. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new UsageError(`can't look for a key at ${path} (${code})`);
  }
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
