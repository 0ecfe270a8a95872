/** Which runtime this is, and what it has. */

import type { CryptoChoice } from "../arguments.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Dial } from "./channels/channel.ts";
import type { Runtime } from "./runtime.ts";

/** `node` also for Deno without --unstable-net, which has no sockets of its own then. */
function runtimeName(): "bun" | "deno" | "node" {
  const { Bun, Deno } = globalThis as { Bun?: unknown; Deno?: { listenDatagram?: unknown } };
  if (Bun !== undefined) return "bun";
  return Deno?.listenDatagram === undefined ? "node" : "deno";
}

/** A server's adapter for the runtime that this process runs on. */
export async function detectRuntime(): Promise<Runtime> {
  switch (runtimeName()) {
    case "bun":
      return (await import("./bun.ts")).runtime;
    case "deno":
      return (await import("./deno.ts")).runtime;
    case "node":
      return (await import("./node.ts")).runtime;
  }
}

/** A client's adapter, which is all that a client loads. */
export async function detectDial(): Promise<Dial> {
  switch (runtimeName()) {
    case "bun":
      return (await import("./channels/bun.ts")).dial;
    case "deno":
      return (await import("./channels/deno.ts")).dial;
    case "node":
      return (await import("./channels/node.ts")).dial;
  }
}

/** The cryptography for a choice; `native` is OpenSSL on Bun where the machine has it. */
export async function chooseCrypto(choice: CryptoChoice = "native"): Promise<CryptoProvider> {
  if (choice === "web") return (await import("./web_crypto.ts")).webCrypto;
  if (choice === "native" && runtimeName() === "bun") {
    const openssl = (await import("./openssl.ts")).openOpenssl();
    if (openssl !== null) return openssl;
  }
  return (await import("./node_crypto.ts")).nodeCrypto;
}
