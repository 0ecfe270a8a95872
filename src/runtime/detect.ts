/** Which runtime this is, and what it has. */

import type { CryptoChoice } from "../arguments.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Dial } from "./channels/channel.ts";
import type { Runtime } from "./runtime.ts";

interface Globals {
  readonly Bun?: unknown;
  readonly Deno?: { readonly listenDatagram?: unknown };
}

/** A server's adapter for the runtime that this process runs on. */
export async function detectRuntime(): Promise<Runtime> {
  const { Bun, Deno } = globalThis as Globals;
  if (Bun !== undefined) return (await import("./bun.ts")).runtime;
  if (Deno?.listenDatagram !== undefined) return (await import("./deno.ts")).runtime;
  return (await import("./node.ts")).runtime;
}

/** A client's adapter, which is all that a client loads. */
export async function detectDial(): Promise<Dial> {
  const { Bun, Deno } = globalThis as Globals;
  if (Bun !== undefined) return (await import("./channels/bun.ts")).dial;
  if (Deno?.listenDatagram !== undefined) return (await import("./channels/deno.ts")).dial;
  return (await import("./channels/node.ts")).dial;
}

/** The AES-256-GCM for a choice; `native` is OpenSSL on Bun where the machine has it. */
export async function chooseCrypto(choice: CryptoChoice = "native"): Promise<CryptoProvider> {
  if (choice === "web") return (await import("./web_crypto.ts")).webCrypto;
  const { Bun } = globalThis as Globals;
  if (choice === "native" && Bun !== undefined) {
    const openssl = (await import("./openssl.ts")).openOpenssl();
    if (openssl !== null) return openssl;
  }
  return (await import("./node_crypto.ts")).nodeCrypto;
}
