/** Completion scripts and the manual page, made from the commands themselves. */

import { test } from "node:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/commands/commands.ts";
import { ENVIRONMENT, EXIT_STATUSES } from "../../src/commands/reference.ts";
import { bashCompletions } from "../../src/completions/bash.ts";
import { describe, type DescribedCommand } from "../../src/completions/described.ts";
import { fishCompletions } from "../../src/completions/fish.ts";
import { zshCompletions } from "../../src/completions/zsh.ts";
import { manualPage } from "../../src/manual/page.ts";

const commands = new Map(
  await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => [name, await load()] as const),
  ),
);
const described: DescribedCommand[] = [...commands].map(([name, each]) => describe(name, each));

/** Whether a program is there, or must be. */
const has = (program: string) =>
  Boolean(process.env.KG_NEED_TOOLS) || spawnSync(program, ["--version"]).error === undefined;

/** What bash completes at the end of a line, with some keys in the server. */
function bashOffers(line: string, keys: readonly string[] = []): string[] {
  const words = line.split(/[\s]+|(?<=:)|(?=:)/);
  const script = `${bashCompletions(described)}
    kg() { printf '%s\\n' ${keys.map((key) => `'${key}'`).join(" ")}; }
    COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}
    COMP_WORDS=(${
    words.map((word) => `'${word}'`).join(" ")
  }); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _kg; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-c", script]);
  assertEquals([status, String(stderr)], [0, ""]);
  return String(stdout).split("\n").filter((offer) => offer !== "");
}

test("bash completes commands, options, choices and keys, with colons and spaces", {
  skip: !has("bash"),
}, () => {
  assertEquals(bashOffers("kg sta"), ["stats"]);
  assertEquals(bashOffers("kg set --ov"), ["--overwrite"]);
  assertEquals(bashOffers("kg serve --on-full "), ["evict", "refuse"]);
  assertEquals(bashOffers("kg completions z"), ["zsh"]);
  assertEquals(bashOffers("kg get s", ["session:1", "other"]), ["session:1"]);
  // What is before the colon is a word of its own for bash, and is not repeated.
  assertEquals(bashOffers("kg get session:", ["session:1", "session:2"]), ["1", "2"]);
  assertEquals(bashOffers("kg get t", ["two words"]), ["two\\ words"]);
  assertEquals(bashOffers("kg get --timeout 1", ["1"]), []);
  assertEquals(bashOffers("kg get ", ["a", "--server=elsewhere"]), ["a"]);
  assertEquals(bashOffers("kg ping x", ["x"]), []);
});

test("the scripts are valid where their shells can tell", () => {
  const scripts = {
    bash: bashCompletions(described),
    zsh: zshCompletions(described),
    fish: fishCompletions(described),
  };
  for (const [shell, input] of Object.entries(scripts)) {
    for (const { name, options } of described) {
      assert(input.includes(name), `${shell}: ${name}`);
      for (const option of options) assert(input.includes(option.name), `${shell}: ${option.name}`);
    }
    if (!has(shell)) continue;
    const file = join(mkdtempSync(join(tmpdir(), "kg-completions-")), shell);
    writeFileSync(file, input);
    const { status, stderr } = spawnSync(shell, ["-n", file]);
    assertEquals([status, String(stderr)], [0, ""], shell);
  }
});

test("the manual page has every command, option, variable and status, and troff takes it", () => {
  const page = manualPage({
    ...{ version: "1.2.3", commands, environment: ENVIRONMENT, exitStatuses: EXIT_STATUSES },
    files: [["~/key", ".begins with a point and has a \\ and 'quotes'"]],
  });
  for (const [name, { options }] of commands) {
    assert(page.includes(`.SS "kg ${name}`), name);
    for (const option of Object.keys(options)) {
      assert(page.includes(`\\-\\-${option.replaceAll("-", "\\-")}`), option);
    }
  }
  for (const [variable] of ENVIRONMENT) assert(page.includes(variable), variable);
  assert(page.includes("\\&.begins with a point and has a \\e"), page.slice(-200));
  if (!has("groff")) return;
  const { stderr, stdout } = spawnSync("groff", ["-man", "-Kutf8", "-Tutf8", "-ww"], {
    input: page,
  });
  const complaints = String(stderr).split("\n").filter((line) => !line.includes("preconv"));
  assertEquals(complaints.join(""), "");
  assert(String(stdout).includes("begins with a point"), String(stdout).slice(-500));
});
