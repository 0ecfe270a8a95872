/** The options for what stands behind a server. */

import type { Input, Options } from "./command.ts";
import { parseDuration } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_TIMEOUT = "2s";

export const BACKEND_OPTIONS = {
  backend: {
    type: "string",
    value: "URL",
    help: "keep the keys at redis[s]://HOST:PORT or kg://SERVERS (KG_BACKEND)",
  },
  "backend-timeout": {
    type: "string",
    value: "TIME",
    help: `how long to wait for it (default: ${DEFAULT_TIMEOUT})`,
  },
  "backend-password-file": {
    type: "string",
    value: "F",
    help: "its password, or USER:PASSWORD (default: in KG_BACKEND)",
  },
  "backend-ca": {
    type: "string",
    value: "FILE",
    help: "trust these certificates (PEM) instead of the system's",
  },
  "backend-spread": {
    type: "string",
    value: "keys|any",
    help: "what servers at kg:// are, as --spread elsewhere (KG_SPREAD; keys)",
  },
  "backend-key-file": {
    type: "string",
    value: "FILE",
    help: "the key of the servers at kg:// (default: this server's own)",
  },
} as const satisfies Options;

/** Of a store that this server has itself. */
const OWN_STORE = ["memory", "on-full", "data-dir", "readers", "poll"] as const;

/** The URL of --backend, or of KG_BACKEND, which may have a password in it. */
export function backendOf(input: Input, env = process.env): string | undefined {
  const url = input.text("backend") ?? (env.KG_BACKEND || undefined);
  if (url === undefined) {
    for (const option of Object.keys(BACKEND_OPTIONS)) {
      if (input.text(option) !== undefined) throw new UsageError(`--${option} goes with --backend`);
    }
    return undefined;
  }
  if (/^[^,]*@/.test(input.text("backend") ?? "")) {
    throw new UsageError(
      "everybody on this machine sees a command line: give the password in KG_BACKEND or " +
        "--backend-password-file",
    );
  }
  for (const option of OWN_STORE) {
    if (input.text(option) === undefined) continue;
    throw new UsageError(
      `--${option} is for a server that keeps the keys itself; here --backend, or KG_BACKEND, has them`,
    );
  }
  return url;
}

export function backendTimeoutMsOf(input: Input): number {
  return parseDuration("--backend-timeout", input.text("backend-timeout") ?? DEFAULT_TIMEOUT);
}
