/** The words of a line, what Tab offers, and what is kept of what was typed. */

import { test } from "node:test";
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import type { Command } from "../../src/commands/command.ts";
import { complete } from "../../src/shell/completer.ts";
import { historyPath, LineHistory, MAX_LINES } from "../../src/shell/line_history.ts";
import { ownProgram } from "../../src/shell/own_program.ts";
import { quoted, wordsOf } from "../../src/shell/words.ts";

test("words are split and quoted as in a POSIX shell", () => {
  const of = (line: string) => wordsOf(line).words;
  assertEquals(of("  get  a\tb "), ["get", "a", "b"]);
  assertEquals(of(`set 'a b' "c \\"d\\" \\n" e\\ f`), ["set", "a b", 'c "d" \\n', "e f"]);
  assertEquals(of("set a '' \"\""), ["set", "a", "", ""]);
  assertEquals(of("get a#b # comment"), ["get", "a#b"]);
  assertEquals(of("get it's 'ok'"), ["get", "its ok"]);
  assertEquals(of("a\\"), ["a\\"]);
  assertEquals(wordsOf('get "a').open, '"');
  assertEquals(wordsOf("get 'a").open, "'");
  assertEquals([wordsOf("get ab").lastAt, wordsOf("get ab ").lastAt], [4, 7]);
  for (const word of ["plain", "a b", "it's", "", '"', "$x", "a\\b", "*", "session:42"]) {
    assertEquals(of(`get ${quoted(word)}`), ["get", word]);
  }
});

const GET: Command = {
  ...{ summary: "get", parameters: "KEY...", arity: [1, 9], examples: [] },
  options: {
    json: { type: "boolean", help: "" },
    timeout: { type: "string", value: "TIME", help: "" },
    crypto: { type: "string", value: "native|node|web", help: "" },
  },
  run: () => Promise.resolve(0),
};
const PING: Command = { ...GET, parameters: "", arity: [0, 0] };

async function offersOf(line: string): Promise<string[]> {
  const asked: string[] = [];
  const [offers] = await complete(line, {
    names: ["get", "ping", "help"],
    find: (name) => Promise.resolve(name === "get" ? GET : name === "ping" ? PING : null),
    keys(prefix) {
      asked.push(prefix);
      return Promise.resolve(["session:1", "session:2", "two words", "--json"]);
    },
  });
  return offers;
}

test("Tab offers commands, then keys and options, and the choices of an option", async () => {
  assertEquals(await offersOf(""), ["get ", "ping ", "help "]);
  assertEquals(await offersOf("ge"), ["get "]);
  assertEquals(await offersOf("kg p"), ["ping "]);
  assertEquals(await offersOf("get sess"), ["session:1 ", "session:2 "]);
  assertEquals(await offersOf("get a session:2"), ["session:2 "]);
  assertEquals(await offersOf("get "), ["session:1 ", "session:2 ", "'two words' "]);
  assertEquals(await offersOf("get two"), ["'two words' "]);
  assertEquals(await offersOf("get two\\ w"), ["'two words' "]);
  assertEquals(await offersOf("get --t"), ["--timeout "]);
  assertEquals(await offersOf("get --crypto n"), ["native ", "node "]);
  assertEquals(await offersOf("get --timeout "), []);
  assertEquals(await offersOf("ping "), []);
  assertEquals(await offersOf("nonsense "), []);
  assertEquals(await offersOf("help p"), ["ping "]);
});

test("a completion replaces the word at the end, as it was typed", async () => {
  const ports = { names: [], find: () => Promise.resolve(GET), keys: () => Promise.resolve([]) };
  assertEquals((await complete("get two\\ w", ports))[1], "two\\ w");
  assertEquals((await complete("get a ", ports))[1], "");
});

test("history is the user's own, bounded, and has no line that begins with a space", () => {
  const path = join(mkdtempSync(join(tmpdir(), "kg-shell-")), "sub", "history");
  const history = new LineHistory(path);
  for (const line of ["get a", "get a", " set secret x", "", "get b"]) history.add(line);
  assertEquals(readFileSync(path, "utf8"), "get a\nget b\n");
  assertEquals(statSync(path).mode & 0o777, 0o600);
  assertEquals(new LineHistory(path).newestFirst, ["get b", "get a"]);
  // One that others could read is closed to them, and another shell's lines stay.
  chmodSync(path, 0o644);
  new LineHistory(path).add("from another");
  history.add("get c");
  assertEquals(readFileSync(path, "utf8"), "get a\nget b\nfrom another\nget c\n");
  assertEquals(statSync(path).mode & 0o777, 0o600);
  writeFileSync(path, "x\n".repeat(2 * MAX_LINES));
  history.add("last");
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  assertEquals([lines.length, lines.at(-1)], [MAX_LINES, "last"]);
  assertEquals(new LineHistory("/dev/null/no/folder").add("x"), false);
});

test("the history's place is by the XDG specification", () => {
  if (process.platform === "win32") return;
  assertEquals(historyPath({ XDG_STATE_HOME: "/s" }), "/s/kilogram/history");
});

test("the program is started again as it was started", () => {
  const argv = ["/usr/bin/kg", "/$bunfs/root/kg", "shell"];
  assertEquals(ownProgram(argv, "/usr/bin/kg"), ["/usr/bin/kg"]);
  const own = ownProgram(["/usr/bin/node", "/x/cli.js"], "/usr/bin/node");
  assertEquals([own[0], own.at(-1)], ["/usr/bin/node", "/x/cli.js"]);
});
