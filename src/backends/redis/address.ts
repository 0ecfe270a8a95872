/** Where an engine is, as a URL: redis://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…], or rediss:// for TLS. */

import { InvalidArgumentError } from "../../errors.ts";

export interface EngineAddress {
  /** Of one of its nodes, or more: the others are learnt from them. */
  readonly hosts: readonly string[];
  readonly isTls: boolean;
  /** Undefined for the default user. */
  readonly user: string | undefined;
  readonly password: string | undefined;
}

const FORM = /^(rediss?):\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/;

/** @throws {InvalidArgumentError}, whose message has no password */
export function parseEngineAddress(url: string): EngineAddress {
  const [, scheme, credentials, hosts] = FORM.exec(url) ?? [];
  if (hosts === undefined) {
    throw new InvalidArgumentError(
      "An engine's address is redis://HOST:PORT, or rediss:// for TLS, with commas between several " +
        "nodes; it has only database 0, so no path.",
    );
  }
  const colon = credentials?.indexOf(":") ?? -1;
  const user = colon < 0 ? credentials : credentials?.slice(0, colon);
  const password = colon < 0 ? undefined : credentials?.slice(colon + 1);
  return {
    hosts: hosts.split(",").map((host) => host.trim()).filter((host) => host !== ""),
    isTls: scheme === "rediss",
    user: decode(user) || undefined,
    password: decode(password) || undefined,
  };
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidArgumentError(
      "The user or password in the engine's address has a % too many: write %25.",
    );
  }
}
