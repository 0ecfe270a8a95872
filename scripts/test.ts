/**
 * Runs all tests, on every runtime, keeping two processors busy. The output of commands that run
 * side by side is printed when they have ended.
 *
 *     bun scripts/test.ts
 */

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const TIMEOUT_MS = "120000";
const PROCESSORS = "2";

const files = readdirSync("tests", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith("_test.ts") && !name.includes("node_modules"))
  .map((name) => `./${join("tests", name)}`);
const isEndToEnd = (file: string) => file.includes("end_to_end");
const isOfClients = (file: string) => file.includes("tests/clients");
const isShort = (file: string) => !isEndToEnd(file) && !isOfClients(file);
/** Tests of what asks no runtime for anything: Deno and Node have the same engine, so they run on Node. */
const PURE = [
  ...["charts", "completions", "drivers", "figures", "fleet", "journal", "large", "load"],
  ...["protocol", "readers", "sampling", "sim", "store"],
];
const isOfDeno = (file: string) =>
  !isOfClients(file) && !PURE.some((folder) => file.startsWith(join("tests", folder), 2));
const DENO_TEST = [
  ...["npm", "run", "--silent", "deno", "--", "test"],
  ...["--no-check", "--parallel", "--allow-all"],
];
const bun = (chosen: readonly string[]) => ["bun", "test", "--timeout", TIMEOUT_MS, ...chosen];

await together(bun(files.filter(isEndToEnd)), bun(files.filter(isShort)));
await together(["npm", "run", "--silent", "sim", "--", "--seeds", "100"]);
// Each of these keeps the processors busy by itself. Clients bring their own runtimes: once is enough.
await together(bun(files.filter(isOfClients)));
await together([...DENO_TEST, ...files.filter(isOfDeno)]);
await together(["npm", "run", "--silent", "test:node"]);

/** Runs commands side by side; ends this program with 1 if one fails. */
async function together(...commands: readonly (readonly string[])[]): Promise<void> {
  const startedAtMs = performance.now();
  const statuses = await Promise.all(
    commands.map((command) => run(command, commands.length === 1)),
  );
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(0);
  const names = commands.map((command) => command.slice(0, 5).join(" ")).join(" | ");
  console.log(`${names}: ${seconds} s`);
  if (statuses.some((status) => status !== 0)) process.exit(1);
}

/** @param isAlone whether its output can be seen while it runs */
function run([program, ...args]: readonly string[], isAlone: boolean): Promise<number | null> {
  const env = { ...process.env, DENO_JOBS: PROCESSORS };
  const child = spawn(program, args, {
    env,
    stdio: isAlone ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  const output: Uint8Array[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Uint8Array) => output.push(chunk));
  }
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(1);
    });
    child.once("close", (status) => {
      process.stdout.write(Buffer.concat(output));
      resolve(status);
    });
  });
}
