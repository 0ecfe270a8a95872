import { test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { command as add } from "../../src/commands/add.ts";
import { commandLineOf } from "../../src/commands/command_line.ts";
import { helpText, parseInput } from "../../src/commands/command.ts";
import { COMMANDS, findCommand } from "../../src/commands/commands.ts";
import { ELSEWHERE } from "../../src/commands/elsewhere.ts";
import { overview } from "../../src/commands/help.ts";
import { command as serve } from "../../src/commands/serve.ts";
import { command as set } from "../../src/commands/set.ts";
import { UsageError } from "../../src/commands/usage_error.ts";

test("options and arguments are read, in any order", () => {
  const input = parseInput("set", set, ["k", "--ttl", "30s", "v", "--overwrite"]);
  assertEquals(input?.parameters, ["k", "v"]);
  assertEquals(
    [input?.text("ttl"), input?.flag("overwrite"), input?.flag("old")],
    ["30s", true, false],
  );
  const listen = parseInput("serve", serve, ["--listen", "a", "--listen=b"])?.texts("listen");
  assertEquals(listen, ["a", "b"]);
});

test("the options that clients share may be before the command", () => {
  assertEquals(
    commandLineOf(["--server", "get", "--json", "--timeout=1s", "set", "k", "--", "-v"]),
    {
      name: "set",
      args: ["--server", "get", "--json", "--timeout=1s", "k", "--", "-v"],
    },
  );
  assertEquals(commandLineOf([]), { name: "help", args: [] });
  assertEquals(commandLineOf(["-V", "--json"]), { name: "version", args: ["--json"] });
  assertEquals(commandLineOf(["--json", "--help", "set"]).name, "help");
  assertThrows(() => commandLineOf(["--servr", "x", "get"]), UsageError, "Did you mean --server?");
  assertThrows(() => commandLineOf(["--overwrite", "set"]), UsageError, "goes behind the command");
  assertThrows(() => commandLineOf(["-x", "get"]), UsageError, "-x goes behind the command");
  for (const args of [["--server"], ["--server", "x"]]) {
    assertThrows(() => commandLineOf(args), UsageError, "there is no command");
  }
});

test("a negative number is an argument", () => {
  assertEquals(parseInput("add", add, ["hits", "-5", "--ttl", "1s"])?.parameters, ["hits", "-5"]);
  assertEquals(parseInput("add", add, ["--", "-1", "-5"])?.parameters, ["-1", "-5"]);
});

test("a negative number keeps its place", () => {
  assertEquals(parseInput("set", set, ["-5", "hello"])?.parameters, ["-5", "hello"]);
  assertEquals(parseInput("set", set, ["k", "-5.5", "--"])?.parameters, ["k", "-5.5"]);
  assertEquals(parseInput("set", set, ["k", "v", "--ttl", "-5s"])?.text("ttl"), "-5s");
});

test("an argument that is not UTF-8 is refused: two of them could be one key", () => {
  assertThrows(() => parseInput("set", set, ["\ufffd", "v"]), UsageError, "UTF-8");
});

test("a single dash is an argument too", () => {
  assertEquals(parseInput("set", set, ["k", "-"])?.parameters, ["k", "-"]);
});

test("a usage error is one line that says what is allowed", () => {
  assertThrows(() => parseInput("set", set, []), UsageError, "KEY [VALUE]");
  assertThrows(() => parseInput("set", set, ["k", "v", "w"]), UsageError, "3 arguments: quote");
  for (const [typed, hint] of [["EX", "--ttl"], ["nx", "--overwrite"]]) {
    assertThrows(() => parseInput("set", set, ["k", "v", typed]), UsageError, hint);
  }
  assertThrows(() => parseInput("set", set, ["--force"]), UsageError, "Did you mean --overwrite?");
  const unknown = assertThrows(() => parseInput("set", set, ["--foo"]), UsageError, "--foo");
  assertMatch(unknown.message, /kg set --help$/);
  for (const typed of ["--overwite", "--overwite=1"]) {
    assertThrows(() => parseInput("set", set, [typed]), UsageError, "Did you mean --overwrite?");
  }
  assert(!unknown.message.includes("\n"));
  assertThrows(() => parseInput("set", set, ["k", "v", "--ttl"]), UsageError, "--ttl");
  const ambiguous = () => parseInput("set", set, ["k", "v", "--ttl", "--old"]);
  assert(!assertThrows(ambiguous, UsageError, "--ttl").message.includes("\n"));
});

test("the error for an unknown command suggests the nearest one", () => {
  assertThrows(() => findCommand("gte"), UsageError, 'Did you mean "get"?');
  assertThrows(() => findCommand("frobnicate"), UsageError, "kg help");
  assertThrows(() => findCommand("Set"), UsageError, '"set"');
  assertThrows(() => findCommand("INCR"), UsageError, "Type: kg add KEY (see kg add --help).");
  for (const name of ["toString", "constructor", "__proto__"]) {
    assertThrows(() => findCommand(name), UsageError, `"${name}"`);
  }
});

test("what is typed instead of a command of another store is a command here, as it is written", async () => {
  for (const [name, line] of Object.entries(ELSEWHERE)) {
    assert(!Object.hasOwn(COMMANDS, name), name);
    const [kg, ...words] = line.split(" ");
    const [own, ...args] = words.map((word) => word.replaceAll('"', ""));
    assertEquals(kg, "kg");
    assert(parseInput(own, await findCommand(own), args) !== null, line);
  }
});

test("every command has a help text with its options and examples, and is in the list", async () => {
  const list = await overview(COMMANDS);
  for (const [name, load] of Object.entries(COMMANDS)) {
    const command = await load();
    assertEquals(parseInput(name, command, ["--help"]), null);
    const help = helpText(name, command);
    assertMatch(help, new RegExp(`kg ${name}`));
    for (const option of Object.keys(command.options)) assert(help.includes(`--${option}`));
    assert(command.examples.length > 0);
    assert(list.includes(command.summary));
    for (const line of help.split("\n")) assert(line.length <= 100, line);
  }
  for (const line of list.split("\n")) assert(line.length <= 100, line);
});
