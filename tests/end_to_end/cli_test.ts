import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeKey, generateKey } from "../../src/protocol/keys.ts";
import { everyByte } from "../bytes.ts";
import {
  type Finished,
  freshEnvironment,
  importLibrary,
  KG,
  kg,
  type RunningServer,
  startServer,
} from "./programs.ts";

const { connect, FullError } = await importLibrary();

const env = freshEnvironment();
let server: RunningServer;

before(async () => {
  server = await startServer(env);
  env.KG_SERVER = server.addresses[0];
});
after(async () => {
  await server.stop("SIGKILL");
});

/** One line on standard error, nothing on standard output. */
function assertFails(result: Finished, status: number, ...parts: RegExp[]): void {
  assertEquals(result.status, status, result.stderr);
  assertEquals(result.text, "");
  assertEquals(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
  for (const part of parts) assertMatch(result.stderr, part);
}

test("set and get, as text and as bytes", () => {
  assertEquals(kg(env, ["set", "greeting", "hello"]).status, 0);
  const got = kg(env, ["get", "greeting"]);
  assertEquals([got.status, got.text, got.stderr], [0, "hello", ""]);
  const value = everyByte(863);
  value.fill(0, 860);
  assertEquals(kg(env, ["set", "bytes", "-"], { input: value }).status, 0);
  assertEquals(new Uint8Array(kg(env, ["get", "bytes"]).stdout), value);
  assertEquals(kg(env, ["set", "empty", ""]).status, 0);
  const empty = kg(env, ["get", "empty"]);
  assertEquals([empty.status, empty.text], [0, ""]);
});

test("a key or value that does not fit is refused before sending", () => {
  const tooLong = kg(env, ["set", "k", "-"], { input: everyByte(864) });
  assertFails(tooLong, 2, /more than 863 bytes/);
  assertFails(kg(env, ["set", "k", "-", "--ttl", "1s"], { input: everyByte(856) }), 2, /856.*855/);
  assertFails(kg(env, ["set", "k", "-"], { input: everyByte(60_000) }), 2, /863/);
  assertFails(kg(env, ["get", "k".repeat(129)]), 2, /129 bytes.*128/);
  assertFails(kg(env, ["get", ""]), 2, /empty/);
  assertFails(kg(env, ["get", "k", "--timeout", "0s"]), 2, /--timeout/);
});

test("without --overwrite an existing key is left as it is", () => {
  kg(env, ["set", "once", "1"]);
  assertFails(kg(env, ["set", "once", "2"]), 1, /--overwrite/);
  const replaced = kg(env, ["set", "once", "2", "--overwrite", "--old"]);
  assertEquals([replaced.status, replaced.text], [0, "1"]);
  assertEquals(kg(env, ["get", "once"]).text, "2");
});

test("--if-equal acts on that value alone", () => {
  assertFails(kg(env, ["set", "flag", "b", "--if-equal", "a"]), 1, /has another value or none/);
  kg(env, ["set", "flag", "a"]);
  assertEquals(kg(env, ["set", "flag", "b", "--if-equal", "a"]).status, 0);
  const other = kg(env, ["set", "flag", "c", "--if-equal", "a", "--json"]);
  assertEquals([other.status, JSON.parse(other.text).current], [1, "b"]);
  assertFails(kg(env, ["set", "flag", "c", "--if-equal", "b", "--overwrite"]), 2, /neither/);
  assertFails(kg(env, ["delete", "flag", "--if-equal", "a"]), 1, /has another value or none/);
  assertEquals(kg(env, ["delete", "flag", "--if-equal", "b", "--old"]).text, "b");
  assertFails(kg(env, ["delete", "flag", "--if-equal", "b"]), 1, /has another value or none/);
});

test("keys prints a line for each key, and drop removes a prefix", () => {
  const names = ["list:1", "list:2", "list:\u001b[2J", "list:é"];
  for (const name of names) assertEquals(kg(env, ["set", name, "x"]).status, 0);
  const lines = (text: string) => text.trimEnd().split("\n").toSorted();
  assertEquals(lines(kg(env, ["keys", "list:"]).text), names.toSorted());
  assertEquals(lines(kg(env, ["keys", "list:", "--count", "3"]).text).length, 3);
  const json = lines(kg(env, ["keys", "list:", "--json"]).text).map((line) => JSON.parse(line).key);
  assertEquals(json.toSorted(), names.toSorted());
  assertFails(kg(env, ["keys", "nothing:"]), 1, /no keys that begin with "nothing:"/);
  assertFails(kg(env, ["keys", "--count", "0"]), 2, /whole number/);
  assertEquals(kg(env, ["drop", "list:"]).status, 0);
  assertFails(kg(env, ["keys", "list:"]), 1, /no keys/);
  kg(env, ["set", "stays", "x"]);
  // Nobody can be asked: standard input is no terminal.
  assertFails(kg(env, ["drop", ""]), 2, /every key on .*--yes/);
  assertEquals(kg(env, ["get", "stays"]).text, "x");
  assertFails(kg(env, ["drop"]), 2, /takes PREFIX/);
});

test("delete, exists, add, touch", () => {
  assertFails(kg(env, ["get", "none"]), 1, /no key "none"/);
  assertFails(kg(env, ["delete", "none"]), 1, /no key "none"/);
  assertFails(kg(env, ["touch", "none", "--ttl", "1s"]), 1, /no key "none"/);
  assertEquals(kg(env, ["add", "hits", "5"]).text, "5\n");
  assertEquals(kg(env, ["add", "hits", "-7"]).text, "-2\n");
  assertEquals(kg(env, ["add", "hits"]).text, "-1\n");
  assertEquals(kg(env, ["exists", "hits"]).text, "yes\n");
  assertEquals(kg(env, ["touch", "hits", "--ttl", "60s"]).status, 0);
  assertFails(kg(env, ["touch", "hits"]), 2, /--ttl forever/);
  const ttlMs = () => JSON.parse(kg(env, ["exists", "hits", "--json"]).text).ttlMs;
  assert(ttlMs() > 0);
  assertEquals(kg(env, ["touch", "hits", "--ttl", "forever"]).status, 0);
  assertEquals(ttlMs(), undefined);
  assertEquals(kg(env, ["delete", "hits", "--old"]).text, "-1");
  const gone = kg(env, ["exists", "hits"]);
  assertEquals([gone.status, gone.text, gone.stderr], [1, "no\n", ""]);
});

test("delete and exists take several keys", () => {
  for (const key of ["several:a", "several:b", "several:c"]) kg(env, ["set", key, "x"]);
  const there = kg(env, ["exists", "several:a", "several:b"]);
  assertEquals([there.status, there.text], [0, "several:a\tyes\nseveral:b\tyes\n"]);
  assertFails(kg(env, ["delete", "several:a", "several:b", "--old"]), 2, /--old goes with one key/);
  const gone = kg(env, ["delete", "several:a", "several:none", "several:b"]);
  assertFails(gone, 1, /no key "several:none"/);
  const left = kg(env, ["exists", "several:a", "several:c"]);
  assertEquals([left.status, left.text], [1, "several:a\tno\nseveral:c\tyes\n"]);
  const json = kg(env, ["delete", "several:c", "several:a", "--json"]);
  assertEquals(json.text.trim().split("\n").map((line) => JSON.parse(line)), [
    { key: "several:c", deleted: true, value: "x" },
    { key: "several:a", deleted: false },
  ]);
});

test("keys of any bytes, in base64", () => {
  const run = (...args: string[]) => kg(env, [...args, "--key-base64"]);
  assertEquals(run("set", "/wA=", "binary").status, 0);
  assertEquals(run("get", "/wA=").text, "binary");
  assertEquals(JSON.parse(run("exists", "/wA=", "--json").text), {
    keyBase64: "/wA=",
    found: true,
  });
  assertEquals(run("touch", "/wA=", "--ttl", "1h").status, 0);
  assertEquals(run("delete", "/wA=", "--old").text, "binary");
  assertEquals(run("add", "aGl0cw", "5").status, 2, "without its padding");
  assertEquals(run("add", "aGl0cyE=", "5").text, "5\n");
  assertEquals(kg(env, ["get", "hits!"]).text, "5");
  assertFails(run("get", ""), 2, /The key is empty/);
});

test("a value from a file", () => {
  const path = join(env.HOME ?? "", "value");
  const value = everyByte(863);
  writeFileSync(path, value);
  assertEquals(kg(env, ["set", "from a file", "--value-file", path]).status, 0);
  assertEquals(new Uint8Array(kg(env, ["get", "from a file"]).stdout), value);
  assertFails(kg(env, ["set", "k", "v", "--value-file", path]), 2, /choose what to store/);
  assertFails(kg(env, ["set", "k", "--value-file", `${path}.none`]), 5, /can't read .*ENOENT/);
  writeFileSync(path, everyByte(864));
  assertFails(kg(env, ["set", "k", "--value-file", path]), 2, /more than 863 bytes/);
  assertFails(kg(env, ["set", "k"]), 2, /which value/);
});

test("arguments are looked at before the key is looked for", () => {
  const keyless = { ...env, KG_KEY: "", KG_KEY_FILE: "/nonexistent" };
  for (
    const [args, problem] of [
      [["get", ""], /key is empty/],
      [["set", "k", "x".repeat(864)], /864 bytes/],
      [["add", "k", "9999999999999999999"], /64-bit/],
      [["get", "k", "--server", "a:b:c"], /not an address/],
      [["keys", "x".repeat(129)], /129 bytes/],
      [["drop", "x".repeat(129)], /129 bytes/],
      [["set", "k", "x".repeat(862), "--if-equal", ""], /862 bytes/],
    ] as const
  ) assertFails(kg(keyless, args), 2, problem);
});

test("a key with a time to live expires", async () => {
  assertEquals(kg(env, ["set", "brief", "x", "--ttl", "400ms"]).status, 0);
  for (let i = 0; i < 100 && kg(env, ["exists", "brief"]).status === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals(kg(env, ["get", "brief"]).status, 1);
});

test("--json on all", () => {
  const json = (...args: string[]) => JSON.parse(kg(env, [...args, "--json"]).text);
  assertEquals(json("set", "j", "v"), { key: "j", stored: true });
  assertEquals(json("set", "j", "w"), { key: "j", stored: false, current: "v" });
  assertEquals(json("get", "j"), { key: "j", found: true, value: "v" });
  assertEquals(json("get", "none"), { key: "none", found: false });
  kg(env, ["set", "binary", "-"], { input: Uint8Array.of(0xff, 0) });
  assertEquals(json("get", "binary"), { key: "binary", found: true, valueBase64: "/wA=" });
  assertEquals(json("add", "big", "9007199254740993").key, "big");
  assertMatch(kg(env, ["add", "big", "0", "--json"]).text, /"value":"9007199254740993"/);
  assertEquals(json("add", "big", "-2").value, 9007199254740991);
  assertEquals(json("touch", "j", "--ttl", "60s"), { key: "j", touched: true });
  const { found, ttlMs } = json("exists", "j");
  assert(found && ttlMs > 0 && ttlMs <= 60_000);
  assertEquals(json("delete", "j"), { key: "j", deleted: true, value: "v" });
  assert(json("ping").elapsedMs > 0);
  const sections = Object.keys(json("stats"));
  assertEquals(sections.slice(0, 4), ["server", "operations", "datagrams", "store"]);
  const rest = sections.slice(4).filter((name) => name !== "threads");
  assertEquals(rest, ["readLatency", "writeLatency", "hotKeys", "process", "keys"]);
  assertEquals(json("keygen").key.length, 44);
  assertEquals(Object.keys(json("version")), ["version", "runtime", "aead"]);
});

test("--json tells of an error too, on standard output, and the text stays where it was", () => {
  const run = (...args: string[]) => kg(env, [...args, "--json"]);
  const errorOf = ({ text, stderr }: Finished) => {
    assertMatch(stderr, /^kg \w+: .+\n$/);
    return JSON.parse(text).error;
  };
  const nobody = ["--server", "127.0.0.1:9", "--timeout", "150ms"];
  const lost = errorOf(run("set", "k", "v", ...nobody));
  assertEquals([lost.code, lost.effect], ["DEADLINE_EXCEEDED", "none"]);
  assertEquals(errorOf(run("get", "k", "--nonsense")).code, "USAGE");
  assertEquals(errorOf(run("get", "k", "--server", "no-such-host.invalid")).code, "SYSTEM");
  kg(env, ["set", "a word", "x"]);
  assertEquals(errorOf(run("add", "a word")).code, "REQUEST");
  assertEquals(kg(env, ["get", "--nonsense", "--", "--json"]).text, "");
  const [there, absent] = run(
    "ping",
    ...nobody.slice(2),
    "--spread",
    "any",
    "--server",
    `${env.KG_SERVER},127.0.0.1:9`,
  ).text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals([there.server, absent.server], [env.KG_SERVER, "127.0.0.1:9"]);
  assert(there.elapsedMs > 0 && absent.error.code.length > 0);
});

test("an import that ends early tells how many keys are stored", () => {
  const input = '{"key":"an import","value":"x"}\n{"key":"another"}\n';
  const { status, text, stderr } = kg(env, ["import", "--json"], { input });
  assertEquals(status, 2);
  const [told, error] = text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals([told.imported, error.error.code], [1, "USAGE"]);
  assertMatch(stderr, /known to be stored: 1 key\n.*line 2/);
});

test("large values are stored, read and removed whole, pieces included", () => {
  const file = join(String(env.HOME), "large.bin");
  const bytes = Buffer.alloc(20_000, "0123456789").fill("x", 7, 900);
  writeFileSync(file, Buffer.concat([bytes, randomBytes(5_000)]));
  const value = readFileSync(file);
  assertEquals(kg(env, ["set", "large", "--large", "--value-file", file, "--ttl", "1h"]).status, 0);
  assertEquals(kg(env, ["get", "large"]).stdout.equals(value), true);
  assertEquals(kg(env, ["set", "large", "short", "--large"]).status, 1);
  // In JSON, since an id may have the end of a line in it.
  const pieces = kg(env, ["keys", "large", "--json"]).text.split("\n").length - 1;
  assert(pieces > 5 && pieces < 12, `${pieces} keys`);
  assertEquals(kg(env, ["touch", "large", "--ttl", "2h"]).status, 0);
  assertEquals(kg(env, ["get", "large", "nothing", "--json"]).text.split("\n").length, 3);
  assertEquals(kg(env, ["delete", "large", "--old"]).stdout.equals(value), true);
  assertEquals(kg(env, ["keys", "large"]).status, 1);
  assertFails(kg(env, ["set", "k", "--value-file", file]), 2, /--large takes up to 1 MiB/);
  assertFails(kg(env, ["set", "k", "v", "--large", "--old"]), 2, /--old does not go with --large/);
});

test("stats count what happened, on Linux including the kernel's drops", () => {
  const stats = kg(env, ["stats"]).text;
  for (const name of ["set", "hits", "dropped_size", "dropped_authentication", "used_bytes"]) {
    assertMatch(stats, new RegExp(`^ {2}${name} +\\d+$`, "m"));
  }
  assertEquals(/dropped_by_kernel/.test(stats), process.platform === "linux");
  // Linux gives 212,992 bytes by default; Deno can't ask for more.
  const [, bufferBytes = "0"] = /receive_buffer_bytes +(\d+)/.exec(stats) ?? [];
  const isRaised = process.platform === "linux" && !("Deno" in globalThis);
  assert(!isRaised || Number(bufferBytes) >= 212_992, stats);
  const store = kg(env, ["stats", "store"]).text;
  assert(!store.includes("dropped"));
  assertFails(kg(env, ["stats", "nonsense"]), 2, /server, operations, datagrams, store/);
});

test("no answer: exit status 3, and the possible causes", () => {
  const nobody = ["--server", "127.0.0.1:9", "--timeout", "150ms"];
  for (const command of [["get", "k"], ["set", "k", "v"], ["ping"]]) {
    const result = kg(env, [...command, ...nobody]);
    assertFails(result, 3, /no server/, /another key/, /lost/, /127\.0\.0\.1:9 is from --server\./);
    assertMatch(
      result.stderr,
      /Does kg serve run there, .* key, [0-9a-f]{8} \(KG_KEY\), .* port 9 /,
    );
  }
  const soon = ["get", "k", "--timeout", "100ms"];
  assertFails(
    kg({ ...env, KG_SERVER: "127.0.0.1:9" }, soon),
    3,
    /127\.0\.0\.1:9 is from KG_SERVER\./,
  );
  const { KG_SERVER: _, ...bare } = env;
  assertFails(kg(bare, soon), 3, /127\.0\.0\.1:4040 is the default/);
  const stranger = { ...env, KG_KEY: freshEnvironment().KG_KEY };
  assertFails(kg(stranger, ["get", "greeting", "--timeout", "150ms"]), 3, /another key/);
});

test("refused by the server: exit status 4", () => {
  kg(env, ["set", "word", "x", "--overwrite"]);
  assertFails(kg(env, ["add", "word", "1"]), 4, /not a decimal number/);
});

test("bench measures what it was asked to, also at a rate", () => {
  const args = ["bench", "--keys", "50", "--warm-up", "0", "--timeout", "10s", "--json"];
  const closed = kg(env, [...args, "--count", "400", "--outstanding", "8", "--reads", "75%"]);
  assertEquals([closed.status, closed.stderr], [0, ""]);
  const { answered, reads, writes, failed } = JSON.parse(closed.text);
  assertEquals([answered, failed, reads.hits + writes.answered], [400, 0, 400]);
  assert(reads.answered > writes.answered && reads.p50Us > 0 && reads.maxUs >= reads.p50Us);
  const open = JSON.parse(kg(env, [...args, "--count", "100", "--rate", "500"]).text);
  assertEquals([open.answered, open.ratePerS, open.outstanding], [100, 500, undefined]);
  assert(open.elapsedMs >= 195);
  const several = kg(env, [...args, "--count", "400", "--threads", "2", "--clients", "5"]);
  assertEquals([several.status, several.stderr], [0, ""]);
  assertEquals(JSON.parse(several.text).answered, 400);
  const text = kg(env, [...args.slice(0, -1), "--count", "100"]).text;
  assertMatch(text, /answered +\d+ +\d+ +100\n/);
  assertMatch(text, /p99\.9 +\d/);
  const left = kg(env, ["keys", "bench:"]);
  assertEquals([left.status, left.text], [1, ""]);
});

test("bench keeps its keys if it is asked to, and uses them again", () => {
  const args = ["bench", "--prefix", "load:", "--keys", "50", "--count", "100", "--warm-up", "0"];
  const first = kg(env, args);
  assertEquals([first.status, first.stderr.trim().split("\n").length], [0, 1]);
  assertMatch(first.stderr, /kept.*kg drop load: removes them/);
  const again = JSON.parse(kg(env, [...args, "--no-fill", "--reads", "100", "--json"]).text);
  assertEquals([again.kept, again.reads.hits], [true, 100]);
  assertEquals(kg(env, ["keys", "load:"]).text.trim().split("\n").length, 50);
  assertEquals(kg(env, ["drop", "load:"]).status, 0);
});

test("bench writes a picture, and finds out before the run if it can't", () => {
  const folder = mkdtempSync(join(tmpdir(), "kilogram-bench-"));
  const args = ["bench", "--keys", "50", "--count", "100", "--warm-up", "0", "--report"];
  for (const [name, start] of [["a.html", "<!doctype html>"], ["a.svg", "<svg "]]) {
    const run = kg(env, [...args, join(folder, name)]);
    assertEquals([run.status, run.stderr], [0, `kg bench: wrote ${join(folder, name)}\n`]);
    const picture = readFileSync(join(folder, name), "utf8");
    assert(picture.startsWith(start) && picture.includes("kg bench --keys 50 --count 100"), name);
    assert(!picture.includes(folder));
  }
  assertFails(kg(env, [...args, join(folder, "a.png")]), 2, /ends in \.html or \.svg/);
  assertFails(kg(env, [...args, join(folder, "none", "a.svg")]), 5, /can't be written \(ENOENT\)/);
  assertEquals(readdirSync(folder).sort(), ["a.html", "a.svg"]);
});

test("a first Ctrl-C ends the measuring of bench, and what was measured is told", async () => {
  const args = ["bench", "--keys", "50", "--warm-up", "0", "--duration", "60s", "--json"];
  const child = spawn(KG[0], [...KG.slice(1), ...args], { env });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => out += chunk);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  await new Promise<void>((resolve) => {
    child.stderr.on("data", (chunk) => {
      err += chunk;
      if (/measuring, \d+ s/.test(err)) resolve();
    });
  });
  if (child.pid !== undefined) process.kill(child.pid, "SIGINT");
  assertEquals(await exited, 130, err);
  const { answered, interruptedBy, elapsedMs } = JSON.parse(out);
  assertEquals(interruptedBy, "SIGINT");
  assert(answered > 0 && elapsedMs >= 1_000);
  assertEquals(kg(env, ["keys", "bench:"]).status, 1);
});

test("bench refuses what it can't do with one line", () => {
  const fails = (message: RegExp, ...args: string[]) =>
    assertFails(kg(env, ["bench", ...args]), 2, message);
  fails(/1 to 64/, "--outstanding", "65");
  fails(/0 to 863/, "--value-size", "864");
  fails(/0 to 855/, "--value-size", "856", "--ttl", "1m");
  fails(/not a number of 0 to 100/, "--reads", "101");
  fails(/whole number/, "--keys", "1.5");
  fails(/leave out --outstanding/, "--rate", "10", "--outstanding", "1");
  fails(/give 1 to 119/, "--prefix", "p".repeat(120));
  fails(/is not a time/, "--duration", "10");
  fails(/as many --clients/, "--threads", "3", "--clients", "2");
  const lonely = { ...env, KG_SERVER: "127.0.0.1:9" };
  assertFails(kg(lonely, ["bench", "--timeout", "60ms"]), 3, /PING/);
});

test("wrong usage: exit status 2 and one line", () => {
  assertFails(kg(env, ["gett", "k"]), 2, /Did you mean "get"/);
  assertFails(kg(env, ["get"]), 2, /takes KEY/);
  assertFails(kg(env, ["get", "k", "--nonsense"]), 2, /--nonsense/, /kg get --help/);
  assertFails(kg(env, ["get", "k", "--server", "a:b:c"]), 2, /host:port/);
  assertFails(kg(env, ["get", "k", "--server", "no-such-host.invalid"]), 5, /no-such-host/);
  assertFails(kg(env, ["get", "k", "--crypto", "rot13"]), 2, /native or node or web/);
  assertFails(kg(env, ["add", "k", "1.5"]), 2, /1\.5/);
});

test("help", () => {
  const list = kg(env, ["help"]);
  assertEquals(list.status, 0);
  assertEquals(kg(env, []).text, list.text);
  assertEquals(kg(env, ["--help"]).text, list.text);
  assertEquals(kg(env, ["help", "set"]).text, kg(env, ["set", "--help"]).text);
  assertMatch(
    kg(env, ["--version"]).text,
    /^kg \d+\.\d+\.\d+ \(\w+ .*AES-256-GCM by (OpenSSL|node:crypto)\)\n$/,
  );
});

test("a server that can't listen makes no key", () => {
  const alone = freshEnvironment();
  delete alone.KG_KEY;
  const serve = (address: string, ...args: string[]) =>
    kg(alone, ["serve", "--listen", address, ...args]);
  assertFails(serve("nonsense:x"), 2, /--listen: "nonsense:x" is not an address/);
  assertFails(serve(server.addresses[0]), 5, /in use/);
  assertFails(serve("no-such-host.invalid"), 5, /no-such-host/);
  for (const door of ["line", "resp", "http"]) {
    const open = serve("127.0.0.1:0", `--${door}`, "0.0.0.0:0");
    assertFails(open, 2, new RegExp(`--${door} 0.0.0.0:0 would let`));
  }
  assert(!existsSync(alone.XDG_CONFIG_HOME ?? ""));
});

test("a server's options may come from the environment", async () => {
  const own = { ...env, KG_MEMORY: "2MiB", KG_NAME: "env-1", KG_ON_FULL: "refuse" };
  const one = await startServer(own, ["--on-full", "evict"]);
  assertMatch(one.output(), /\(env-1\) listens[^]*memory: 2 MiB, evicts when full/);
  await one.stop("SIGKILL");
  const listen = { ...env, KG_LISTEN: `127.0.0.1:0,${server.addresses[0]}` };
  assertFails(kg(listen, ["serve"]), 5, /can't listen on 127\.0\.0\.1:\d+: it is in use/);
  assertFails(kg({ ...env, KG_MEMORY: "lots" }, ["serve"]), 2, /KG_MEMORY lots is not a size/);
  assertFails(kg({ ...env, KG_NAME: "No Name" }, ["serve"]), 2, /\(KG_NAME\)\n$/);
  assertFails(kg({ ...env, KG_SKVS: "yes" }, ["serve"]), 2, /KG_SKVS=yes: write 1 or true/);
});

test("serve refuses what it can't do with one line", () => {
  const alone = freshEnvironment();
  const serve = (...args: string[]) => kg(alone, ["serve", "--listen", "127.0.0.1:0", ...args]);
  const lastLine = (result: Finished) => result.stderr.trimEnd().split("\n").at(-1) ?? "";
  const inUse = kg(alone, ["serve", "--listen", server.addresses[0]]);
  assertEquals(inUse.status, 5);
  assertMatch(lastLine(inUse), /127\.0\.0\.1:\d+: it is in use; choose another/);
  assertFails(serve("--memory", "lots"), 2, /--memory lots/);
  assertFails(serve("--memory", "1KiB"), 2, /at least 1 MiB/);
  assertFails(serve("--memory", "17GiB"), 2, /at most 16 GiB/);
  assertFails(serve("--on-full", "explode"), 2, /evict or refuse/);
  assertFails(serve("--key-file", "/nonexistent/key"), 5, /there is no key file/);
  assertFails(serve("--crypto", "none"), 2, /native or node or web/);
  assertFails(serve("--skvs"), 2, /SKVS_ENCRYPTION_KEY/);
  assertMatch(lastLine(kg(alone, ["serve", "--listen", "192.0.2.1:0"])), /no such address/);
  assertFails(
    serve("--backend", "kg://10.0.0.1,10.0.0.2"),
    2,
    /needs a name.*--backend-spread any/,
  );
  const nameless = ["where", "k", "--server", "10.0.0.1,10.0.0.2"];
  assertMatch(kg(env, nameless).stderr, /cache-1=10\.0\.0\.1:4040\.\n$/);
  const engine = { ...alone, KG_BACKEND: "redis://hunter2@127.0.0.1:9" };
  const lacking = kg(engine, ["serve", "--listen", "127.0.0.1:0"]);
  assertFails(lacking, 2, /a user and no password/);
  assert(!lacking.stderr.includes("hunter2"));
});

test("a key file that others can read is refused by server and client", () => {
  const path = join(env.HOME ?? "", "open.key");
  writeFileSync(path, `${env.KG_KEY}\n`, { mode: 0o644 });
  assertFails(kg(env, ["get", "k", "--key-file", path]), 2, /chmod 600/);
  const serve = ["serve", "--listen", "127.0.0.1:0", "--key-file", path];
  assertFails(kg(env, serve), 2, /chmod 600/);
});

test("a key comes from a pipe as well", { skip: process.platform === "win32" }, () => {
  const quoted = KG.map((part) => `'${part}'`).join(" ");
  const { KG_KEY, ...keyless } = env;
  const shell = (script: string) =>
    spawnSync("bash", ["-c", script.replaceAll("kg", quoted), "bash", KG_KEY ?? ""], {
      env: keyless,
      encoding: "utf8",
    });
  assertEquals(shell('kg set passed yes --key-file <(echo "$1")').stderr, "");
  assertEquals(shell('echo "$1" | kg get passed --key-file /dev/stdin').stdout, "yes");
  assertMatch(shell("kg get passed --key-file <(echo nonsense)").stderr, /This is not a key/);
});

test("keygen --out writes a file readable by its owner alone, and overwrites none", () => {
  const path = join(env.HOME ?? "", "new.key");
  assertEquals(kg(env, ["keygen", "--out", path]).status, 0);
  assertEquals(statSync(path).mode & 0o777, 0o600);
  const before = readFileSync(path, "utf8");
  assertFails(kg(env, ["keygen", "--out", path]), 2, /exists/);
  assertEquals(readFileSync(path, "utf8"), before);
});

test("without any configuration, the first server makes a key that clients find", async () => {
  const alone = freshEnvironment();
  delete alone.KG_KEY;
  assertFails(kg(alone, ["get", "k"]), 2, /there is no key/, /kg serve/);
  const first = await startServer(alone);
  const path = join(alone.XDG_CONFIG_HOME ?? "", "kilogram", "key");
  assert(existsSync(path));
  assertEquals(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, "utf8").trim();
  assert(first.output().includes(path) && !first.output().includes(text));
  alone.KG_SERVER = first.addresses[0];
  assertEquals(kg(alone, ["set", "k", "v"]).status, 0);
  assertEquals(await first.stop(), 0);
  const second = await startServer(alone);
  alone.KG_SERVER = second.addresses[0];
  assertEquals(kg(alone, ["get", "k"]).status, 1, "a restart loses data, and keeps the key");
  await second.stop("SIGKILL");
});

test("SIGINT and SIGTERM end the server with status 0", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const one = await startServer(freshEnvironment());
    assertEquals(await one.stop(signal), 0);
    assertMatch(one.output(), new RegExp(`stopped by ${signal}\\n$`));
    assert(!one.output().includes("    at "), "no stack trace");
  }
});

test("one server on several addresses, including IPv6", async () => {
  const one = await startServer(env, ["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]);
  const [ipv4, ipv6] = one.addresses;
  assertMatch(ipv6, /^\[::1\]:\d+$/);
  assertEquals(kg(env, ["set", "k", "by v6", "--server", ipv6]).status, 0);
  assertEquals(kg(env, ["get", "k", "--server", ipv4]).text, "by v6");
  await one.stop("SIGKILL");
});

/** Sets more than a server of 1 MiB holds, and returns how many keys it took. */
async function overfill(to: NodeJS.ProcessEnv): Promise<number> {
  const client = await connect(to.KG_SERVER ?? "", { key: to.KG_KEY ?? "" });
  const value = everyByte(863);
  let taken = 0;
  for (let i = 0; i < 1_500; i++) {
    try {
      await client.set(`key${i}`, value, { timeout: 10_000 });
      taken++;
    } catch (error) {
      assert(error instanceof FullError, String(error));
    }
  }
  client.close();
  return taken;
}

test("a full server evicts, and the newest keys are still there", async () => {
  const own = { ...env, KG_KEY: encodeKey(generateKey()) };
  const one = await startServer(own, ["--memory", "1MiB"]);
  const to = { ...own, KG_SERVER: one.addresses[0] };
  assertMatch(one.output(), /memory: 1 MiB, evicts when full/);
  assertEquals(await overfill(to), 1_500);
  const { store } = JSON.parse(kg(to, ["stats", "--json"]).text);
  assert(store.usedBytes <= store.limitBytes && store.limitBytes === 2 ** 20);
  assertEquals(store.keys + store.evictions, 1_500);
  assertEquals(kg(to, ["exists", "key1499"]).text, "yes\n");
  assertFails(kg(to, ["get", "key0"]), 1, /evicted/);
  await one.stop("SIGKILL");
});

test("a server that refuses reports that it is full, and loses nothing", async () => {
  const own = { ...env, KG_KEY: encodeKey(generateKey()) };
  const one = await startServer(own, ["--memory", "1MiB", "--on-full", "refuse"]);
  const to = { ...own, KG_SERVER: one.addresses[0] };
  const taken = await overfill(to);
  assert(taken > 800 && taken < 1_300, `${taken} keys`);
  assertFails(kg(to, ["set", "one more", "v".repeat(863)]), 4, /full/, /Delete keys/);
  const { store } = JSON.parse(kg(to, ["stats", "--json"]).text);
  assertEquals([store.keys, store.evictions], [taken, 0]);
  assertEquals(kg(to, ["delete", "key0"]).status, 0);
  assertEquals(kg(to, ["set", "one more", "v".repeat(863)]).status, 0);
  await one.stop("SIGKILL");
});

test("the original wire, when asked for", async () => {
  const SKVS_ENCRYPTION_KEY = "01234567890123456789012345678901";
  const skvs: NodeJS.ProcessEnv = { ...env, SKVS_ENCRYPTION_KEY };
  const one = await startServer(skvs, ["--skvs"]);
  assertMatch(one.output(), /warning: .*replay/);
  assert(!one.output().includes(SKVS_ENCRYPTION_KEY));
  skvs.KG_SERVER = one.addresses[0];
  assertEquals(kg(skvs, ["set", "k", "old wire", "--skvs"]).status, 0);
  assertEquals(kg(skvs, ["get", "k", "--skvs"]).text, "old wire");
  assertEquals(kg(skvs, ["get", "k"]).text, "old wire");
  assertFails(kg(skvs, ["set", "k", "again", "--skvs"]), 1, /--overwrite/);
  assertFails(kg(skvs, ["set", "k", "old wire", "--skvs"]), 1, /--overwrite/);
  assertFails(kg(skvs, ["get", "k", "--skvs-key-file", "x"]), 2, /goes with --skvs/);
  assertEquals(kg(skvs, ["set", "k", "again", "--skvs", "--overwrite", "--old"]).text, "old wire");
  assertEquals(kg(skvs, ["exists", "k", "--skvs"]).text, "yes\n");
  assertEquals(kg(skvs, ["delete", "k", "--skvs", "--old"]).text, "again");
  assertEquals(kg(skvs, ["exists", "k", "--skvs"]).text, "no\n");
  assertFails(kg(skvs, ["get", "k", "--skvs"]), 1, /no key/);
  assertFails(kg(env, ["get", "k", "--skvs"]), 2, /SKVS_ENCRYPTION_KEY/);
  const elsewhere = ["--server", server.addresses[0], "--timeout", "150ms"];
  assertFails(kg(skvs, ["get", "k", "--skvs", ...elsewhere]), 3, /another key/);
  await one.stop("SIGKILL");
});

test("a reader that goes away is not a failure, and a full disk is one clear line", () => {
  const quoted = KG.map((part) => `'${part}'`).join(" ");
  const shell = (script: string) =>
    spawnSync("bash", ["-c", script.replaceAll("kg", quoted)], { env }).stdout.toString();
  const status = "; echo ${PIPESTATUS[0]}";
  assertEquals(shell(`kg help 2>&1 | true${status}`).trim(), "0");
  assertEquals(shell(`kg add piped 2>&1 | true${status}`).trim(), "0");
  if (!existsSync("/dev/full")) return;
  const full = shell("kg version 2>&1 >/dev/full; echo $?");
  assertMatch(full, /^kg version: can't write to standard output \(ENOSPC\)\n5\n$/);
});

test("a server goes on when nobody reads its output", async () => {
  const one = await startServer(env);
  one.process.stderr?.destroy();
  one.process.stdout?.destroy();
  assertEquals(kg(env, ["set", "k", "v", "--server", one.addresses[0], "--overwrite"]).status, 0);
  assertEquals(await one.stop(), 0);
});

test("control characters are not printed raw to a terminal", () => {
  const missing = kg(env, ["get", "\x1b[31mred"]);
  assertEquals(missing.status, 1);
  assert(!missing.stderr.includes("\x1b") && missing.stderr.includes("\\x1b[31mred"));
});

test("the user's key folder is made for the user alone", () => {
  const alone = freshEnvironment();
  mkdirSync(alone.XDG_CONFIG_HOME ?? "", { recursive: true });
  const path = join(alone.XDG_CONFIG_HOME ?? "", "kilogram", "key");
  assertEquals(kg(alone, ["keygen", "--out", path]).status, 0);
  assertEquals(statSync(join(path, "..")).mode & 0o777, 0o700);
});
