/** What to look at when a server does not answer, since a wrong key and no server look alike. */

import { DeadlineExceededError, ServerDownError } from "../errors.ts";
import { keyId } from "../protocol/keys.ts";
import { chooseCrypto } from "../runtime/detect.ts";
import type { ListedServer } from "../server_list.ts";
import { cryptoChoice } from "./client_options.ts";
import type { Input } from "./command.ts";
import type { KeyOnHand } from "./key_source.ts";

/** Adds to an error of no answer which address and which key were tried, and where they came from. */
export async function explainSilence(
  error: unknown,
  input: Input,
  servers: readonly ListedServer[],
  { key, origin }: KeyOnHand,
): Promise<void> {
  if (!(error instanceof DeadlineExceededError || error instanceof ServerDownError)) return;
  const id = await keyId(key, await chooseCrypto(cryptoChoice(input)));
  const ports = [...new Set(servers.map(({ address }) => address.port))];
  const isOne = servers.length === 1;
  error.message += ` ${isOne ? `${servers[0].text} is` : "The servers are"} ${sourceOf(input)}. ` +
    `Does kg serve run ${isOne ? "there" : "on them"}, does it print the id of this key, ${id} ` +
    `(${origin}), and does a firewall let UDP to port ${ports.join(", ")} through?`;
}

function sourceOf(input: Input): string {
  if (input.text("server") !== undefined) return "from --server";
  return process.env.KG_SERVER
    ? "from KG_SERVER"
    : "the default, since neither --server nor KG_SERVER names another";
}
