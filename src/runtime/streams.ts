/** Where streams are listened for, whichever runtime does it: TCP and Unix sockets. */

import { lstatSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { Accept } from "../doors/stream.ts";
import { type Address, formatAddress } from "./address.ts";
import type { Runtime } from "./runtime.ts";

/** An address of the network, or a path of the file system. */
export type StreamAddress = Address | { readonly path: string };

/** What a runtime gives for it. */
export interface BoundStreams {
  /** The port that the system gave, where there are ports. */
  readonly port: number;
  /** No more are accepted; a Unix socket is removed. */
  close(): void;
}

export interface StreamListener {
  /** As people write it: host:port or unix:path. */
  readonly name: string;
  close(): void;
}

/** A Unix socket is there, and somebody answers at it. */
export class LiveSocketError extends Error {}

/**
 * Listens for streams. A Unix socket that nobody answers at is replaced.
 * @param socketMode who may connect to a Unix socket, as chmod takes it
 * @throws {LiveSocketError} or an Error with `code` as the system gives it
 */
export async function listenForStreams(
  runtime: Runtime,
  address: StreamAddress,
  accept: Accept,
  socketMode: number,
): Promise<StreamListener> {
  if (!("path" in address)) {
    const { port, close } = await runtime.listenForStreams(address, accept);
    return { name: formatAddress({ host: address.host, port }), close };
  }
  // Asked first, since node:net says EACCES where there is no folder.
  statSync(dirname(address.path));
  await removeStaleSocket(address.path);
  const { close } = await withMode(socketMode, () => runtime.listenForStreams(address, accept));
  return { name: `unix:${address.path}`, close };
}

const MODE_MASK = 0o777;

/** A socket has its mode from the first moment, so by the mask that new files get. */
async function withMode<T>(mode: number, listen: () => Promise<T>): Promise<T> {
  const mask = process.umask(MODE_MASK & ~mode);
  try {
    return await listen();
  } finally {
    process.umask(mask);
  }
}

/** @throws {LiveSocketError} if somebody answers at it; what is no socket is left as it is */
async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  if (await isAnswered(path)) throw new LiveSocketError(path);
  rmSync(path, { force: true });
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
