/** The C library's calls on a socket that Bun does not offer. */

import { openLibrary, type Pointer } from "./foreign.ts";

/** See recvmmsg(2), sendmmsg(2), setsockopt(2) and getsockopt(2). */
export interface Libc {
  recvmmsg(fd: number, messages: Pointer, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Pointer, bytes: number): number;
  getsockopt(fd: number, level: number, name: number, value: Pointer, bytes: Pointer): number;
}

/** glibc's name, and musl's on the two processors. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** The C library, or null where there is none of that kind: then Bun's own calls have to do. */
export function openLibc(): Libc | null {
  return openLibrary<Libc>(NAMES, {
    recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
    sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  });
}
