/**
 * The kernel's buffer of a socket, in which a burst waits. What Linux gives without being asked,
 * 208 KiB, holds some 90 datagrams of 1,024 bytes: each counts 2,304 with what the kernel needs.
 * Source: socket(7).
 */

import { pointerTo } from "./foreign.ts";
import type { Libc } from "./libc.ts";

/** To ask for: Linux doubles it, for its own share, and so holds some 3,600 datagrams. */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** Goes past the system's limit, where the process may. */
const SO_RCVBUFFORCE = 33;
const INT_BYTES = 4;

/** Raises a socket's buffer as far as the system allows; returns the bytes that it has then. */
export function raiseReceiveBuffer(libc: Libc, fd: number): number {
  const value = new Uint32Array(new ArrayBuffer(INT_BYTES));
  const length = new Uint32Array(new ArrayBuffer(INT_BYTES));
  value[0] = RECEIVE_BUFFER_BYTES;
  const set = (name: number) =>
    libc.setsockopt(fd, SOL_SOCKET, name, pointerTo(value), INT_BYTES) === 0;
  if (!set(SO_RCVBUFFORCE)) set(SO_RCVBUF);
  length[0] = INT_BYTES;
  libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, pointerTo(value), pointerTo(length));
  return value[0];
}
