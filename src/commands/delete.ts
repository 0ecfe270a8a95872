import { TooLargeError } from "../errors.ts";
import { SkvsCommand } from "../protocol/skvs.ts";
import { CLIENT_OPTIONS, IF_EQUAL_OPTION, ifEqualOf } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { complain, complainMissing, printJson, printValue, valueFields } from "./output.ts";
import { callSkvs, SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "remove a key",
  parameters: "KEY",
  arity: [1, 1],
  details: "Exit status 1: there is no such key, or with --if-equal it has another value.",
  options: {
    old: { type: "boolean", help: "print the value that it had" },
    ...IF_EQUAL_OPTION,
    ...CLIENT_OPTIONS,
    ...SKVS_OPTIONS,
  },
  examples: [
    "kg delete greeting",
    "kg delete job:17 --old",
    'kg delete lock:report --if-equal "$(hostname):$$"',
  ],

  async run(input) {
    const [key] = input.parameters;
    const removed = await remove(input, key);
    if (input.flag("json")) {
      printJson({ key, deleted: removed !== undefined, ...valueFields(removed ?? undefined) });
    } else if (removed === undefined && input.text("if-equal") !== undefined) {
      complain(`kg delete: "${key}" has another value or none, and was left as it is`);
    } else if (removed === undefined) {
      complainMissing("delete", key);
    } else if (removed !== null && input.flag("old")) {
      printValue(removed);
    }
    return removed === undefined ? Exit.NOT_FOUND : Exit.DONE;
  },
};

/** The removed value; null if it does not fit a datagram, undefined if there was none. */
async function remove(input: Input, key: string): Promise<Uint8Array | null | undefined> {
  if (wantsSkvs(input)) return await callSkvs(input, SkvsCommand.DELETE, key);
  try {
    return await withClient(input, (kv) => kv.delete(key, ifEqualOf(input)));
  } catch (error) {
    // The key is deleted; only the old value is lost, which matters only with --old.
    const isDone = error instanceof TooLargeError && error.effect === "done";
    if (isDone && !input.flag("old")) return null;
    throw error;
  }
}
