/** redis-cli, as people use it in a shell: `node redis_cli.mjs PORT redis-cli`. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { bigKeys, statistics } from "./stable.mjs";
import { finish, step } from "./steps.mjs";

const [port, program] = process.argv.slice(2);

await step(() => cli("flushall"));
for (const part of [words, forms, input, everything, refused]) await part();
finish();

async function words() {
  await step(() => cli("ping"));
  await step(() => cli("set", "greeting", "hello", "ex", "100"));
  await step(() => cli("get", "greeting"));
  await step(() => cli("get", "missing"));
  await step(() => cli("incrby", "hits", "41"));
  await step(() => cli("-r", "3", "incr", "hits"));
  await step(() => cli("append", "log", String.raw`a "quoted"\n word`));
  await step(() => cli("strlen", "log"));
  await step(() => cli("--quoted-input", "set", String.raw`"\x00\xff"`, String.raw`"\r\n"`));
  await step(() => cli("incr", "greeting"));
  await step(() => cli("-e", "incr", "greeting"));
  await step(() => cli("nosuch", "command"));
  await step(() => cli("help", "set"));
  await step(() => cli("help", "getex"));
}

/** The forms in which it prints replies; the last two begin with HELLO 3. */
async function forms() {
  await step(() => cli("--csv", "mget", "greeting", "missing", "hits"));
  await step(() => cli("--no-raw", "mget", "greeting", "missing", "hits"));
  await step(() => cli("--no-raw", "ttl", "missing"));
  await step(() => cli("--no-raw", "config", "get", "appendonly"));
  await step(() => cli("-3", "--no-raw", "config", "get", "appendonly"));
  await step(() => cli("-3", "--no-raw", "mget", "greeting", "missing"));
  await step(() => cli("--json", "mget", "greeting", "missing", "hits"));
  await step(() => cli("--json", "config", "get", "appendonly"));
}

async function input() {
  await step(() => fed("from standard input", "-x", "set", "read"));
  await step(() => cli("get", "read"));
  await step(() => fed("set a 1\nincr a\nget missing\nincr read\nget a\n"));
  await step(() => fed("multi\nincr a\nget a\nexec\nmulti\nset a 9\ndiscard\nget a\n"));
  await step(() => fed("watch a\nmulti\nget a\nexec\n"));
  const mass = Array.from({ length: 500 }, (_, i) => `SET mass:${i} ${"x".repeat(i)}\r\n`);
  await step(() => fed(mass.join(""), "--pipe"));
  await step(() => cli("dbsize"));
}

async function everything() {
  await step(async () => (await cli("--scan")).stdout.split("\n").sort());
  await step(async () => (await cli("--scan", "--pattern", "mass:9?")).stdout.split("\n").sort());
  await step(() => cli("--scan", "--pattern", "nobody:*"));
  await step(async () => bigKeys(await cli("--bigkeys")));
  await step(async () => (await statisticsLines(3)).map(statistics));
}

async function refused() {
  await step(() => cli("-n", "1", "get", "greeting"));
  await step(() => cli("-a", "secret", "get", "greeting"));
  await step(() => cli("--user", "nobody", "--pass", "secret", "get", "greeting"));
  await step(() => cli("-u", `redis://127.0.0.1:${port}/0`, "get", "greeting"));
  await step(() => cli("-u", `redis://default:secret@127.0.0.1:${port}`, "get", "greeting"));
  await step(() => cli("client", "setname", "no blanks"));
  await step(() => cli("set", "k"));
  await step(() => cli("flushdb"));
  await step(() => cli("keys", "*"));
}

function cli(...args) {
  return fed("", ...args);
}

/** Runs it to its end, with some text at its standard input. */
async function fed(text, ...args) {
  const input = text === "" ? "ignore" : "pipe";
  const child = spawn(program, ["-p", port, ...args], { stdio: [input, "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk) => output.stdout += chunk);
  child.stderr.setEncoding("utf8").on("data", (chunk) => output.stderr += chunk);
  child.stdin?.end(text);
  const [status] = await once(child, "close");
  return { status, ...output };
}

/** The first of the lines that it prints for as long as it runs, to a pipe some sixty at a time. */
async function statisticsLines(count) {
  const child = spawn(program, ["-p", port, "--stat", "-i", "0.01"]);
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) break;
  }
  child.kill();
  return lines;
}
