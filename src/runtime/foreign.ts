/**
 * Functions of the system's libraries, through bun:ffi: only on Linux, x64 and arm64, where the
 * structures in memory are the same (64 bits, little-endian).
 */

/** An address in memory, as a number below 2^53. */
export type Pointer = number;

/** The C library: glibc's name, and musl's on the two architectures. */
export const LIBC = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** A function's parameters and result, in the terms of bun:ffi. */
export interface Signature {
  readonly args: readonly ("ptr" | "i32" | "u32")[];
  readonly returns: "ptr" | "i32" | "void";
}

/** The part of bun:ffi that is used here. */
interface BunFfi {
  dlopen(name: string, symbols: Readonly<Record<string, Signature>>): { readonly symbols: unknown };
  ptr(view: ArrayBufferView): Pointer;
}

/** The functions of the first library that can be opened, or null. */
export function openLibrary<Functions>(
  names: readonly string[],
  symbols: Readonly<Record<keyof Functions, Signature>>,
): Functions | null {
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) return null;
  for (const name of names) {
    try {
      return bunFfi().dlopen(name, symbols).symbols as Functions;
    } catch {
      // Not this one.
    }
  }
  return null;
}

/**
 * The address of an array in memory. An array made on an ArrayBuffer stays there as long as
 * something refers to it: JavaScriptCore moves others when their buffer is first asked for.
 */
export function pointerTo(array: Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Pointer {
  return bunFfi().ptr(array);
}

/** The address of any array, for a call that is made at once: until then no array moves. */
export function pointerNow(array: Uint8Array): Pointer {
  return bunFfi().ptr(array);
}

let ffi: BunFfi | undefined;

function bunFfi(): BunFfi {
  if (ffi !== undefined) return ffi;
  const { getBuiltinModule } = process as unknown as { getBuiltinModule(name: string): BunFfi };
  return ffi = getBuiltinModule("bun:ffi");
}
