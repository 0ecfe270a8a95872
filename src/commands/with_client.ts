/** Connects a command to the server that its options name. */

import type { Calls } from "../client.ts";
import { connect, type ConnectOptions } from "../connect.ts";
import { cryptoChoice, isAny, serversOf, spreadOf, timeoutMsOf } from "./client_options.ts";
import type { Input } from "./command.ts";
import { requireKey } from "./key_source.ts";
import { parseServerList } from "../server_list.ts";

/** Connects as the options say, runs the calls, and closes. */
export async function withClient<T>(
  input: Input,
  run: (kv: Calls<true>) => Promise<T>,
  options: Pick<ConnectOptions, "onDown"> = {},
): Promise<T> {
  const timeoutMs = timeoutMsOf(input);
  const crypto = cryptoChoice(input);
  const spread = spreadOf(input);
  const servers = serversOf(input);
  // What was typed is looked at before the key is looked for.
  const listed = parseServerList(servers, isAny(input) ? "any" : "keys");
  const onHand = requireKey(input.text("key-file"));
  const client = await connect(servers, { key: onHand.key, crypto, spread, ...options });
  try {
    return await run(client.within(timeoutMs));
  } catch (error) {
    await (await import("./silence.ts")).explainSilence(error, input, listed, onHand);
    throw error;
  } finally {
    client.close();
  }
}
