import { test } from "node:test";
import { assertEquals, assertRejects } from "@std/assert";
import { type Command, type Input, parseInput } from "../../src/commands/command.ts";
import { runInEnvironment } from "../../src/commands/environment.ts";
import { parseSize } from "../../src/commands/quantities.ts";
import { UsageError } from "../../src/commands/usage_error.ts";

const COMMAND: Command = {
  summary: "",
  parameters: "",
  arity: [0, 0],
  options: {
    listen: { type: "string", multiple: true, help: "" },
    memory: { type: "string", help: "" },
    "memory-file": { type: "string", help: "" },
    "plaintext-ok": { type: "boolean", help: "" },
    "key-file": { type: "string", help: "" },
    backend: { type: "string", help: "" },
  },
  examples: [],
  run: () => Promise.resolve(0),
};

/** Runs something with the command's input, given these arguments and variables. */
async function run<T>(
  args: readonly string[],
  env: Record<string, string>,
  use: (input: Input) => T,
): Promise<T> {
  const input = parseInput("test", COMMAND, args);
  if (input === null) throw new Error("help was asked for");
  const results: T[] = [];
  const command = {
    ...COMMAND,
    run: (input: Input) => Promise.resolve(results.push(use(input))),
  };
  await runInEnvironment(command, input, env);
  return results[0];
}

test("a variable gives what the option would give, and the command line wins", async () => {
  const memory = (input: Input) => input.text("memory");
  assertEquals(await run([], { KG_MEMORY: "1GiB" }, memory), "1GiB");
  assertEquals(await run(["--memory", "2GiB"], { KG_MEMORY: "1GiB" }, memory), "2GiB");
  assertEquals(await run([], { KG_MEMORY: "" }, memory), undefined);
});

test("an option that may be repeated has commas between its values", async () => {
  const env = { KG_LISTEN: "127.0.0.1:1, [::1]:2,," };
  const listen = (input: Input) => input.texts("listen");
  assertEquals(await run([], env, listen), ["127.0.0.1:1", "[::1]:2"]);
  assertEquals(await run(["--listen", "x"], env, listen), ["x"]);
});

test("an option without a value is 1 or 0, true or false", async () => {
  const isOk = (input: Input) => [input.flag("plaintext-ok"), input.texts("plaintext-ok").length];
  for (const text of ["1", "true"]) {
    assertEquals(await run([], { KG_PLAINTEXT_OK: text }, isOk), [true, 1]);
  }
  for (const text of ["0", "false", ""]) {
    assertEquals(await run([], { KG_PLAINTEXT_OK: text }, isOk), [false, 0]);
  }
  const wrong = () => run([], { KG_PLAINTEXT_OK: "yes" }, isOk);
  await assertRejects(wrong, UsageError, "KG_PLAINTEXT_OK=yes: write 1 or true, or 0 or false");
});

test("an error in a value names the variable", async () => {
  const memory = (input: Input) => parseSize("--memory", input.text("memory") ?? "", 1, 1e9);
  const wrong = () => run([], { KG_MEMORY: "lots" }, memory);
  await assertRejects(wrong, UsageError, "KG_MEMORY lots is not a size");
  const missing = (input: Input) => {
    throw new UsageError(`there is no file ${input.text("memory-file")}`);
  };
  const other = () => run([], { KG_MEMORY_FILE: "/none" }, missing);
  await assertRejects(other, UsageError, "there is no file /none (KG_MEMORY_FILE)");
  const unrelated = () =>
    run([], { KG_MEMORY_FILE: "no", KG_MEMORY: "1" }, () => {
      throw new UsageError("there is 1 problem, and nothing is done");
    });
  const { message } = await assertRejects(unrelated, UsageError);
  assertEquals(message, "there is 1 problem, and nothing is done");
  const typed = () => run(["--memory", "lots"], { KG_MEMORY: "1GiB" }, memory);
  await assertRejects(typed, UsageError, "--memory lots is not a size");
});

test("what is read where it is used is left to that", async () => {
  const env = { KG_KEY_FILE: "k", KG_BACKEND: "redis://:secret@h" };
  const both = (input: Input) => [input.text("key-file"), input.text("backend")];
  assertEquals(await run([], env, both), [undefined, undefined]);
});
