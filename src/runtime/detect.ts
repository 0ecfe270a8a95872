/** Which runtime this is. The only place that asks. */

import type { Aead } from "../protocol/seal.ts";
import type { Runtime } from "./runtime.ts";

/** How to seal: by node:crypto, or by Web Crypto alone. */
export type CryptoChoice = "native" | "web";

/** The adapter of the runtime that this process runs on. */
export async function detectRuntime(): Promise<Runtime> {
  const { Bun, Deno } = globalThis as { Bun?: unknown; Deno?: { listenDatagram?: unknown } };
  if (Bun !== undefined) return (await import("./bun.ts")).runtime;
  if (Deno?.listenDatagram !== undefined) return (await import("./deno.ts")).runtime;
  return (await import("./node.ts")).runtime;
}

/** The AES-256-GCM of a choice; `native` where nothing is chosen. */
export async function chooseAead(choice: CryptoChoice = "native"): Promise<Aead> {
  if (choice === "web") return (await import("./web_crypto.ts")).webCrypto;
  return (await import("./node_crypto.ts")).nodeCrypto;
}
