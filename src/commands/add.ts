import { CLIENT_OPTIONS, ttlMsOf } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { KEY_OPTIONS, keyFields, keyOf } from "./key_arguments.ts";
import { printJson, printLine } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { withClient } from "./with_client.ts";

export const command: Command = {
  summary: "add to the number stored at a key, and print the sum",
  parameters: "KEY [DELTA]",
  arity: [1, 2],
  details:
    "DELTA is a signed 64-bit integer (default: 1); a missing key counts as 0. In JSON a sum beyond\n" +
    "2^53 is text, since most programs would round the number.\n" +
    "--ttl applies only if this creates the key: a rate limiter is one command.",
  options: {
    ttl: { type: "string", value: "TIME", help: "how long a new key lives (default: forever)" },
    ...KEY_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: ["kg add hits", "kg add stock:7 -3", "kg add limit:10.0.0.7 1 --ttl 60s"],

  async run(input) {
    const [, deltaText = "1"] = input.parameters;
    const key = keyOf(input);
    const ttl = ttlMsOf(input);
    const delta = parseDelta(deltaText);
    const sum = await withClient(input, (kv) => kv.add(key, delta, { ttl }));
    if (input.flag("json")) printJson({ ...keyFields(key), value: sum.value, ttlMs: sum.ttl });
    else printLine(String(sum.value));
    return Exit.DONE;
  },
};

function parseDelta(text: string): bigint {
  if (/^[+-]?\d{1,19}$/.test(text)) {
    const delta = BigInt(text.replace("+", ""));
    if (BigInt.asIntN(64, delta) === delta) return delta;
  }
  throw new UsageError(`"${text}" is not a signed 64-bit integer`);
}
