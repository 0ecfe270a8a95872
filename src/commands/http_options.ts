/** The options of the door for HTTP, which is loaded only when it is asked for. */

import type { Input, Options } from "./command.ts";

export const HTTP_OPTIONS = {
  http: {
    type: "string",
    multiple: true,
    value: "WHERE",
    help: "a page, /metrics and health checks at HOST:PORT or unix:PATH",
  },
  "http-host": {
    type: "string",
    multiple: true,
    value: "NAME",
    help: "a name by which to ask --http, besides addresses and localhost",
  },
} as const satisfies Options;

export function wantsHttp(input: Input): boolean {
  return Object.keys(HTTP_OPTIONS).some((name) => input.texts(name).length > 0);
}
