/** The shell as a person has it, on a terminal that `script` makes, and with lines from a pipe. */

import { test } from "node:test";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freshEnvironment, KG, kg, startServer } from "./programs.ts";

const isBun = "Bun" in globalThis;
const hasScript = Boolean(process.env.KG_NEED_TOOLS) ||
  spawnSync("script", ["--version"]).status === 0;
const PATIENCE_MS = 30_000;
const CTRL_C = "\x03";
const CTRL_D = "\x04";
const UP = "\x1b[A";

class Terminal {
  output = "";
  readonly ended: Promise<number | null>;
  readonly #child;

  constructor(env: NodeJS.ProcessEnv) {
    const line = ["exec", ...KG, "shell"].map((word) => `'${word}'`).join(" ");
    this.#child = spawn("script", ["-qfec", line, "/dev/null"], {
      env: { ...env, TERM: "xterm" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout.on("data", (chunk) => this.output += chunk);
    this.ended = new Promise((resolve) => this.#child.once("exit", resolve));
  }

  /** Types, and waits until the output from here on matches. */
  async type(keys: string, expected: RegExp): Promise<void> {
    const start = this.output.length;
    this.#child.stdin.write(keys);
    await this.until(expected, start);
  }

  async suspend(): Promise<void> {
    this.#child.stdin.write("\x1a");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const children = spawnSync("pgrep", ["-P", String(this.#child.pid)], { encoding: "utf8" });
    const start = this.output.length;
    for (const pid of children.stdout.trim().split("\n")) process.kill(Number(pid), "SIGCONT");
    await this.until(/> /, start);
  }

  async until(expected: RegExp, start = 0): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!expected.test(this.output.slice(start))) {
      if (Date.now() > deadline) {
        this.#child.kill("SIGKILL");
        throw new Error(`${expected} did not come: ${JSON.stringify(this.output.slice(start))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test(
  "a prompt completes keys, ends commands by Ctrl-C, and remembers what was typed",
  { skip: isBun && hasScript ? false : "script, on Bun" },
  async () => {
    const env = freshEnvironment();
    const server = await startServer(env);
    env.KG_SERVER = server.addresses[0];
    try {
      kg(env, ["set", "session:42", "alice"]);
      const terminal = new Terminal(env);
      await terminal.until(/help lists the commands[^]*> /);
      await terminal.type("get sess\t", /session:42 /);
      await terminal.type("\r", /alice[^]*> /);
      await terminal.type("kg set 'a b' 'c d'\r", /\n[^]*> /);
      assertEquals(kg(env, ["get", "a b"]).text, "c d");
      // What is pasted behind the last line stays to be gone on with.
      await terminal.type("get 'a b'\rget session", /c d[^]*> [^]*get session/);
      await terminal.type(":42\r", /alice[^]*> /);
      await terminal.type("get nothing\r", /there is no key "nothing"[^]*> /);
      await terminal.type("watch session:42\r", /\d\d:\d\d:\d\d {2}alice/);
      await terminal.type(CTRL_C, /> /);
      await terminal.type(`never carried out${CTRL_C}`, /\^C[^]*> /);
      await terminal.type(`${UP}\r`, /\d\d:\d\d:\d\d {2}alice/);
      await terminal.type(CTRL_C, /> /);
      // Ctrl-Z, and back, as by fg.
      await terminal.suspend();
      await terminal.type("get session:42\r", /alice[^]*> /);
      // A paste, with a tab that comes too late to complete anything.
      await terminal.type("get sess\t\rget session:42\r", /no key "sess"[^]*alice[^]*> /);
      await terminal.type("get 'open\r", /there is no closing '/);
      await terminal.type(CTRL_D, /\n/);
      await terminal.ended;
      const history = join(String(env.HOME), ".local/state/kilogram/history");
      assertEquals(statSync(history).mode & 0o777, 0o600);
      assertEquals(readFileSync(history, "utf8").split("\n").slice(0, 2), [
        ...["get session:42 ", "kg set 'a b' 'c d'"],
      ]);
    } finally {
      await server.stop();
    }
  },
);

test("lines from a pipe are carried out, and the last one's status is the shell's", async () => {
  const env = freshEnvironment();
  const server = await startServer(env);
  try {
    const input = "set a 1 # a comment\n\nget a\nget b\n";
    const { text, status, stderr } = kg(env, ["shell", "--server", server.addresses[0]], { input });
    assertEquals([text, status], ["1", 1]);
    assertMatch(stderr, /there is no key "b"/);
    const stopped = kg(env, ["shell"], { input: "version\nexit\nget a\n" });
    assertEquals(stopped.status, 0);
    assertMatch(stopped.text, /^kg \d/);
    const damaged = kg(env, ["shell"], { input: "get \0\nversion\n" });
    assertEquals(damaged.status, 0);
    assertMatch(damaged.stderr, /the line can't be carried out/);
    const refused = kg({ ...env, KG_SERVER: "kg://u:p4ss@h" }, ["shell"], { input: "version\n" });
    assertEquals([refused.status, refused.text, refused.stderr.includes("p4ss")], [2, "", false]);
    for (const input of ["shell\n", "kg shell\n", "kg\n"]) {
      const nested = kg(env, ["shell"], { input });
      assertMatch(nested.stderr, /this is the shell already/);
      assert(nested.status !== 0);
    }
  } finally {
    await server.stop();
  }
});
