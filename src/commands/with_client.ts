/** Connects a command to the server that its options name. */

import type { Calls } from "../client.ts";
import { connect, type ConnectOptions } from "../connect.ts";
import { cryptoChoice, serversOf, spreadOf, timeoutMsOf } from "./client_options.ts";
import type { Input } from "./command.ts";
import { requireKey } from "./key_source.ts";

/** Connects as the options say, runs the calls, and closes. */
export async function withClient<T>(
  input: Input,
  run: (kv: Calls<true>) => Promise<T>,
  options: Pick<ConnectOptions, "onDown"> = {},
): Promise<T> {
  const timeoutMs = timeoutMsOf(input);
  const { key } = requireKey(input.text("key-file"));
  const crypto = cryptoChoice(input);
  const spread = spreadOf(input);
  const client = await connect(serversOf(input), { key, crypto, spread, ...options });
  try {
    return await run(client.within(timeoutMs));
  } finally {
    client.close();
  }
}
