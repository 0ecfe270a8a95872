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
      "An engine's address is redis://HOST:PORT (Valkey too), or rediss:// for TLS, with commas between " +
        "several nodes of a Cluster; it has only database 0, so no path. Other servers are kg://SERVERS. In a " +
        "password, write @ as %40.",
    );
  }
  const list = hosts.split(",").map((host) => host.trim()).filter((host) => host !== "");
  if (list.length === 0) throw new InvalidArgumentError("The engine's address has no host.");
  const colon = credentials?.indexOf(":") ?? -1;
  const user = colon < 0 ? credentials : credentials?.slice(0, colon);
  const password = colon < 0 ? undefined : credentials?.slice(colon + 1);
  return {
    hosts: list,
    isTls: scheme === "rediss",
    user: decode(user) || undefined,
    password: decode(password) || undefined,
  };
}

/**
 * A node's address as another node tells it: without brackets, and without a host if that is the host which was
 * asked. Source: the Redis Cluster specification, «MOVED redirection»; CLUSTER SLOTS.
 * @param asked the address of the node that tells it
 * @returns host:port, or [IPv6]:port; null if it is none
 */
export function toldAddress(text: string, asked: string): string | null {
  const [, host = "", port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) return null;
  const isUnknown = host === "" || host === "?";
  const name = isUnknown ? hostOf(asked) : host.replaceAll(/^\[|\]$/g, "");
  return name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`;
}

function hostOf(address: string): string {
  const [, bracketed, plain] = /^(?:\[(.*)\](?::\d+)?|([^:]*)(?::\d+)?)$/.exec(address) ?? [];
  return bracketed ?? plain ?? address;
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
