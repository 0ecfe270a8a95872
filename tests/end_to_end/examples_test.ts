/** The examples, each in its language, where this machine has it. */

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertEquals } from "@std/assert";
import { freshEnvironment, type RunningServer, startServer } from "./programs.ts";

const OUTPUT = [
  "user 7: Ada (loaded)",
  "user 7: Ada (cached)",
  "request 1: allowed",
  "request 2: allowed",
  "request 3: refused",
  "",
].join("\n");

const LIMITS = [
  "request 1: allowed",
  "request 2: allowed",
  "request 3: refused",
  "acquire: True False",
  "release what is another's: False",
  "renew, release, acquire: True True True",
  "",
].join("\n");

const UNIX = `unix:${join(mkdtempSync(join(tmpdir(), "kilogram-examples-")), "line.sock")}`;
let server: RunningServer;

before(async () => {
  server = await startServer(freshEnvironment(), ["--line", "127.0.0.1:0", "--line", UNIX]);
});
after(async () => {
  await server.stop("SIGKILL");
});

interface Example {
  readonly program: readonly string[];
  readonly version: string;
  readonly hasUnix: boolean;
  readonly output?: string;
}

const EXAMPLES: readonly Example[] = [
  { program: ["python3", "examples/kilogram.py"], version: "--version", hasUnix: true },
  { program: ["node", "examples/kilogram.mjs"], version: "--version", hasUnix: true },
  { program: ["bash", "examples/kilogram.sh"], version: "--version", hasUnix: false },
  { program: ["go", "run", "examples/kilogram.go"], version: "version", hasUnix: true },
  {
    program: ["python3", "examples/limits.py"],
    version: "--version",
    hasUnix: true,
    output: LIMITS,
  },
  {
    program: ["go", "run", "examples/limits.go"],
    version: "version",
    hasUnix: true,
    output: LIMITS,
  },
];

for (const { program: [language, ...args], version, hasUnix, output = OUTPUT } of EXAMPLES) {
  test(`${args.at(-1)} does what it says`, {
    skip: spawnSync(language, [version]).status !== 0,
  }, () => {
    for (const place of hasUnix ? [server.doors("line")[0], UNIX] : [server.doors("line")[0]]) {
      const { status, stdout, stderr } = spawnSync(language, [...args, place], {
        encoding: "utf8",
      });
      assertEquals([stdout, stderr, status], [output, "", 0], place);
    }
  });
}

test("limits.py sends no name that would be another command", {
  skip: spawnSync("python3", ["--version"]).status !== 0,
}, () => {
  const program = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, "examples")
from limits import Limiter, Line, Lock
line = Line(sys.argv[1])
for name in ["a b", "a\\nDROP -", ""]:
    for call in [Limiter(line, 1, 1_000, "").hit, lambda name: Lock(line, name, 1_000, "").acquire()]:
        try:
            print(call(name))
        except ValueError:
            print("refused")
print(Limiter(line, 1, 1_000, "names:").hit("a"))
`;
  const { stdout, stderr } = spawnSync("python3", ["-c", program, server.doors("line")[0]], {
    encoding: "utf8",
  });
  assertEquals([stdout, stderr], ["refused\n".repeat(6) + "0\n", ""]);
});
