/** Files with a key or a password: who may read them, and how they are read. */

import { Buffer } from "node:buffer";
import { closeSync, openSync, readSync, realpathSync, type Stats, statSync } from "node:fs";
import { sep } from "node:path";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

/** Permission bits of those who are neither the owner nor in the group. */
const OTHERS_MAY_READ = 0o004;
const OTHERS_MAY_WRITE = 0o002;
/** Room for a key in any of its forms, and a line or two around it. */
const MAX_SECRET_BYTES = 4_096;
/**
 * Where systemd, Docker, Podman and Kubernetes put the secrets of a service, often readable by all. Who
 * may enter there is their concern. Source: systemd.exec(5), «Credentials»; docs.docker.com, «secrets».
 */
const CREDENTIAL_FOLDERS = ["/run/credentials", "/run/secrets"] as const;

/**
 * The text of a file that nobody but its owner and group may read, of a credential, or of a pipe, as
 * in `--key-file <(pass kilogram)`.
 * @param what it holds, for errors
 * @throws UsageError if others may read it; SystemError if it can't be read
 */
export function readSecret(path: string, what: "key" | "password" = "key"): string {
  const file = statSecret(path);
  if (file === undefined) throw new SystemError(`there is no ${what} file ${path}`);
  if (!file.isFIFO()) {
    if (!file.isFile()) throw unfit(path, what);
    checkMode(path, what, file.mode);
  }
  const bytes = read(path, what);
  if (bytes.length > MAX_SECRET_BYTES) throw unfit(path, what);
  return bytes.toString("utf8");
}

/** The file that a path leads to; undefined if there is none. */
export function statSecret(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SystemError(`can't look for a key at ${path} (${code})`);
  }
}

function checkMode(path: string, what: string, mode: number): void {
  if (process.platform === "win32") return;
  const everybody = "everybody on this machine can";
  if ((mode & OTHERS_MAY_WRITE) !== 0) {
    throw new UsageError(`${everybody} change the ${what} file ${path}: chmod 600 ${path}`);
  }
  if ((mode & OTHERS_MAY_READ) === 0 || isCredential(path)) return;
  throw new UsageError(
    `${everybody} read the ${what} file ${path}: chmod 600 ${path}. (Only credentials may be so, in ` +
      `$CREDENTIALS_DIRECTORY, ${CREDENTIAL_FOLDERS.join(" or ")}.)`,
  );
}

function isCredential(path: string): boolean {
  const folders = [process.env.CREDENTIALS_DIRECTORY, ...CREDENTIAL_FOLDERS];
  const target = resolved(path);
  return folders.some((folder) => folder && target.startsWith(resolved(folder) + sep));
}

/** Without links, of which a container has many. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The whole file, or more than a secret may have. */
function read(path: string, what: string): Buffer {
  const bytes = Buffer.alloc(MAX_SECRET_BYTES + 1);
  let length = 0;
  try {
    const file = openSync(path, "r");
    try {
      for (let count = -1; count !== 0 && length < bytes.length; length += count) {
        count = readSync(file, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new SystemError(`can't read the ${what} file ${path} (${codeOf(error)})`);
  }
  return bytes.subarray(0, length);
}

function unfit(path: string, what: string): UsageError {
  return new UsageError(
    `${path} is not a ${what} file: it is something else, or too large for a ${what}`,
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
