/** The options of the text doors. The doors themselves are loaded only when asked for. */

import type { Input, Options } from "./command.ts";

export const DEFAULT_MAX_CONNECTIONS = 1_024;
export const DEFAULT_SOCKET_MODE = "0600";

export const DOOR_OPTIONS = {
  line: {
    type: "string",
    multiple: true,
    value: "WHERE",
    help: "a line protocol at HOST:PORT or unix:PATH; repeat it for more",
  },
  resp: {
    type: "string",
    multiple: true,
    value: "WHERE",
    help: "the protocol of Redis at HOST:PORT or unix:PATH; repeat it for more",
  },
  "resp-password-file": {
    type: "string",
    value: "FILE",
    help: "a file with the password that --resp asks for (default: none)",
  },
  "plaintext-ok": {
    type: "boolean",
    help: "let those doors, which are not encrypted, listen on the network",
  },
  "socket-mode": {
    type: "string",
    value: "MODE",
    help: `permissions of a unix:PATH, as for chmod (default: ${DEFAULT_SOCKET_MODE})`,
  },
  "max-connections": {
    type: "string",
    value: "NUMBER",
    help: `most connections at a time through those two (default: ${DEFAULT_MAX_CONNECTIONS})`,
  },
} as const satisfies Options;

/** Whether any option of the text doors was given; all of them are then checked. */
export function wantsDoors(input: Input): boolean {
  return Object.keys(DOOR_OPTIONS).some((name) => input.texts(name).length > 0);
}
