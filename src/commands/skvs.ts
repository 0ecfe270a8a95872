/** The four commands of the original wire, for `--skvs`. */

import { MAX_SKVS_VALUE_BYTES, type SkvsCommand, SkvsFlag } from "../protocol/skvs.ts";
import { parseServerList } from "../server_list.ts";
import { skvsCall } from "../protocol/skvs_call.ts";
import { resolveAddress } from "../runtime/address.ts";
import { makeAlarm } from "../runtime/alarm.ts";
import { chooseCrypto, detectDial } from "../runtime/detect.ts";
import { cryptoChoice, serversOf, timeoutMsOf } from "./client_options.ts";
import type { Input, Options } from "./command.ts";
import { skvsKeys } from "./skvs_key.ts";
import { UsageError } from "./usage_error.ts";

export const SKVS_OPTIONS = {
  skvs: { type: "boolean", help: "speak the original wire, with its key" },
  "skvs-key-file": {
    type: "string",
    value: "FILE",
    help: "the key of the original wire (default: SKVS_ENCRYPTION_KEY)",
  },
} as const satisfies Options;

const NO_BYTES = new Uint8Array(0);

/** Whether --skvs was given; its key file alone would be a mistake. */
export function wantsSkvs(input: Input): boolean {
  if (input.flag("skvs")) return true;
  if (input.text("skvs-key-file") === undefined) return false;
  throw new UsageError("--skvs-key-file goes with --skvs");
}

/** One call; undefined if the server found no such key. Its keys are as long as those of version 1. */
export async function callSkvs(
  input: Input,
  command: SkvsCommand,
  key: Uint8Array,
  value: Uint8Array = NO_BYTES,
  flag = 0,
): Promise<Uint8Array | undefined> {
  if (input.text("ttl") !== undefined) {
    throw new UsageError("the original wire has no time to live: leave --ttl out");
  }
  if (input.text("if-equal") !== undefined) {
    throw new UsageError("the original wire compares no values: leave --if-equal out");
  }
  if (value.length > MAX_SKVS_VALUE_BYTES) {
    throw new UsageError(`the value has ${value.length} bytes, over ${MAX_SKVS_VALUE_BYTES}`);
  }
  const flags = flag | (input.flag("overwrite") ? SkvsFlag.OVERWRITE : 0);
  const [first, ...others] = parseServerList(serversOf(input));
  if (others.length > 0) throw new UsageError("--skvs asks one server: name it with --server");
  const server = await resolveAddress(first.address);
  const dial = await detectDial();
  const provider = await chooseCrypto(cryptoChoice(input));
  return skvsCall({ command, flags, key, value }, timeoutMsOf(input), {
    cipher: await provider.cipher(skvsKeys(input.text("skvs-key-file"))[0]),
    fillRandom: provider.fillRandom,
    makeAlarm,
    dial: (onDatagram) => dial(server, { onDatagram, onError: () => {} }),
  });
}
