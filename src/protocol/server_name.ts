/**
 * A server's name. It goes into the derivation of the server's keys, so that servers which share a
 * master key don't take each other's datagrams.
 * Source: docs/WIRE.md, section 2.
 */

import { InvalidArgumentError } from "../errors.ts";

export const MAX_SERVER_NAME_CHARACTERS = 64;

const SERVER_NAME = new RegExp(`^[a-z0-9._-]{1,${MAX_SERVER_NAME_CHARACTERS}}$`);

/** Returns the name. @throws {InvalidArgumentError} when it is not one */
export function checkServerName(name: string): string {
  if (SERVER_NAME.test(name)) return name;
  throw new InvalidArgumentError(
    `"${name}" is not a server's name: a name has 1 to ${MAX_SERVER_NAME_CHARACTERS} of a–z, 0–9, ` +
      '"-", "." and "_".',
  );
}
