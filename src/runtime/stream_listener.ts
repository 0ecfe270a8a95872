/** Listens for streams on TCP and Unix sockets, whatever the runtime. */

import { Buffer } from "node:buffer";
import { linkSync, lstatSync, renameSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { formatAddress } from "./address.ts";
import type { BoundStreams, StreamAddress } from "./runtime.ts";

export interface StreamListener {
  /** As people write it: host:port or unix:path. */
  readonly name: string;
  close(): void;
}

/** The shortest limit of any system, without the NUL at the end: sockaddr_un of macOS. */
const MAX_PATH_BYTES = 103;

/** A Unix socket is there, and a server answers at it. */
export class LiveSocketError extends Error {}
/** The path holds something other than a stale socket. */
export class TakenPathError extends Error {}
/** The path is longer than a Unix socket's may be. */
export class LongPathError extends Error {}

/** Listens at an address, and gives what comes to a server. */
export type Bind = (address: StreamAddress) => Promise<BoundStreams>;

/**
 * Listens for streams. A Unix socket at which no server answers is replaced.
 * @param socketMode who may connect to a Unix socket, as chmod takes it
 * @throws {LiveSocketError | TakenPathError | LongPathError} or a system Error with `code`
 */
export async function listenForStreams(
  bind: Bind,
  address: StreamAddress,
  socketMode: number,
): Promise<StreamListener> {
  if (!("path" in address)) {
    const { port, close } = await bind(address);
    return { name: formatAddress({ host: address.host, port }), close };
  }
  return await listenAtPath(bind, address.path, socketMode);
}

/**
 * The socket is bound beside its path and linked into place, which fails if something is there: so
 * of two servers that find a stale socket only one replaces it, and no server removes another's.
 */
async function listenAtPath(
  bind: Bind,
  path: string,
  mode: number,
): Promise<StreamListener> {
  const aside = `${path}.${process.pid}`;
  if (Buffer.byteLength(aside) > MAX_PATH_BYTES) throw new LongPathError(path);
  // Checked first, since node:net reports EACCES where there is no folder.
  statSync(dirname(path));
  await removeStaleSocket(path);
  rmSync(aside, { force: true });
  const { close } = await withMode(mode, () => bind({ path: aside }));
  const own = identityOf(aside);
  try {
    linkSync(aside, path);
  } catch (error) {
    close();
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? new TakenPathError(path) : error;
  } finally {
    rmSync(aside, { force: true });
  }
  return {
    name: `unix:${path}`,
    close() {
      if (identityOf(path) === own) rmSync(path, { force: true });
      close();
    },
  };
}

const MODE_MASK = 0o777;

/** The mode is set by the umask, so that a socket has it from the first moment. */
async function withMode<T>(mode: number, listen: () => Promise<T>): Promise<T> {
  const mask = process.umask(MODE_MASK & ~mode);
  try {
    return await listen();
  } finally {
    process.umask(mask);
  }
}

/** @throws {LiveSocketError} if a server answers at it; anything but a socket is left alone */
async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const found = identityOf(path);
  if (await isAnswered(path)) throw new LiveSocketError(path);
  // Another server may have put its own there by now: the moved one is checked, and put back.
  const moved = `${path}.${process.pid}.stale`;
  if (identityOf(path) !== found) throw new LiveSocketError(path);
  renameSync(path, moved);
  const isStale = identityOf(moved) === found;
  if (!isStale) linkSync(moved, path);
  rmSync(moved, { force: true });
  if (!isStale) throw new LiveSocketError(path);
}

/** Distinguishes sockets at the same path by time too, since inode numbers are reused. */
function identityOf(path: string): string | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino}:${found.mtimeNs}`;
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(error);
    });
  });
}
