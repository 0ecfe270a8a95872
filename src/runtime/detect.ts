/** Which runtime this is, and what it has. */

import type { Aead } from "../protocol/seal.ts";
import type { Runtime } from "./runtime.ts";

/** How to seal: the fastest way available, with node:crypto, or with Web Crypto alone. */
export type CryptoChoice = "native" | "node" | "web";

/** The adapter for the runtime that this process runs on. */
export async function detectRuntime(): Promise<Runtime> {
  const { Bun, Deno } = globalThis as { Bun?: unknown; Deno?: { listenDatagram?: unknown } };
  if (Bun !== undefined) return (await import("./bun.ts")).runtime;
  if (Deno?.listenDatagram !== undefined) return (await import("./deno.ts")).runtime;
  return (await import("./node.ts")).runtime;
}

/** The AES-256-GCM for a choice; `native` is OpenSSL on Bun where the machine has it. */
export async function chooseAead(choice: CryptoChoice = "native"): Promise<Aead> {
  if (choice === "web") return (await import("./web_crypto.ts")).webCrypto;
  const { Bun } = globalThis as { Bun?: unknown };
  if (choice === "native" && Bun !== undefined) {
    const openssl = (await import("./openssl.ts")).openOpenssl();
    if (openssl !== null) return openssl;
  }
  return (await import("./node_crypto.ts")).nodeCrypto;
}
