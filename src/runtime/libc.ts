/**
 * The C library's calls on a socket that Bun does not offer, through bun:ffi: Linux on x64 and
 * arm64, where the structures in memory are the same (64 bits, little-endian).
 */

/** An address in memory, as a number below 2^53. */
export type Pointer = number;

/** See recvmmsg(2), sendmmsg(2), setsockopt(2) and getsockopt(2). */
export interface Libc {
  recvmmsg(fd: number, messages: Pointer, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Pointer, bytes: number): number;
  getsockopt(fd: number, level: number, name: number, value: Pointer, bytes: Pointer): number;
}

/** The part of bun:ffi that is used here. */
interface BunFfi {
  dlopen(name: string, symbols: Record<keyof Libc, object>): { readonly symbols: Libc };
  ptr(view: ArrayBufferView): Pointer;
}

const SYMBOLS = {
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
};

/** glibc's name, and musl's on the two processors. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** The C library, or null where there is none of that kind: then Bun's own calls have to do. */
export function openLibc(): Libc | null {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) return null;
  for (const name of NAMES) {
    try {
      return bunFfi().dlopen(name, SYMBOLS).symbols;
    } catch {
      // Not this one.
    }
  }
  return null;
}

/**
 * Where an array lies in memory. It stays there as long as something refers to the array, if it
 * was made on an ArrayBuffer: JavaScriptCore moves others when their buffer is first asked for.
 */
export function pointerTo(array: Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Pointer {
  return bunFfi().ptr(array);
}

function bunFfi(): BunFfi {
  return (process as unknown as { getBuiltinModule(name: string): BunFfi }).getBuiltinModule(
    "bun:ffi",
  );
}
