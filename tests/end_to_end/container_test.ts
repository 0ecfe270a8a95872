/**
 * The container without an engine for containers: the program as deploy/Dockerfile starts it, as process 1 of a
 * root folder that has only what the image's base has, without rights. Takes root, on Linux.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { COMPILED, freePort, freshEnvironment } from "./programs.ts";

const dockerfile = readFileSync("deploy/Dockerfile", "utf8");
const DEADLINE_MS = 20_000;

/** The arguments of an instruction in its exec form, which no shell reads. */
function execForm(instruction: string): string[] {
  const form = new RegExp(`^${instruction} (?:.*? CMD )?(\\[.*\\])$`, "m").exec(dockerfile)?.[1];
  return JSON.parse(form ?? "null");
}

const [, USER] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? [];
const [, KEY_FILE] = /^ENV KG_KEY_FILE=(\S+)$/m.exec(dockerfile) ?? [];
const PROGRAM = execForm("ENTRYPOINT");

/** Why this can't be tried here; false if it can. */
function problem(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "takes root, on Linux";
  if (!existsSync(COMPILED)) return "dist/kg is missing: npm run compile";
  const own = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]);
  return own.status === 0 ? false : "this machine gives no namespaces";
}

/** The files of the C library, and OpenSSL's, that the program needs. */
function libraries(): string[] {
  const needed = execFileSync("ldd", [COMPILED], { encoding: "utf8" }).matchAll(/\/\S+/g);
  const known = execFileSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" });
  const crypto = /libcrypto\.so\.3 .*=> (\/\S+)/.exec(known)?.[1];
  return [...[...needed].map(([file]) => file), ...(crypto === undefined ? [] : [crypto])];
}

const root = mkdtempSync(join(tmpdir(), "kilogram-root-"));
let container: ChildProcess | undefined;
after(() => {
  container?.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

function place(path: string, write: (file: string) => void): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  write(file);
}

function makeRoot(key: string): void {
  chmodSync(root, 0o755);
  for (const folder of ["proc", "tmp", "dev"]) mkdirSync(join(root, folder));
  for (const file of libraries()) place(file, (copy) => copyFileSync(file, copy));
  place(PROGRAM[0], (copy) => copyFileSync(COMPILED, copy));
  place(
    "etc/passwd",
    (file) => writeFileSync(file, `nonroot:x:${USER}:${USER}::/:/sbin/nologin\n`),
  );
  place(KEY_FILE, (file) => {
    writeFileSync(file, key);
    chmodSync(file, 0o400);
    chownSync(file, Number(USER), Number(USER));
  });
}

test("the image's program is process 1: it serves, is healthy, and stops", {
  skip: problem(),
}, async () => {
  const port = await freePort();
  makeRoot(freshEnvironment().KG_KEY ?? "");
  const env = { KG_KEY_FILE: KEY_FILE, KG_SERVER: `127.0.0.1:${port}` };
  const user = ["--setuid", USER, "--setgid", USER];
  const command = [...PROGRAM, ...execForm("CMD")].map((part) => part.replace("4040", `${port}`));
  const unshared = ["--pid", "--fork", "--kill-child", "--mount-proc=/proc", `--root=${root}`];
  const child = spawn("/usr/bin/unshare", [...unshared, ...user, ...command], { env });
  container = child;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const pid = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  const inside = (...args: string[]) => {
    const entered = ["--target", pid(), "--mount", "--pid", "--root", "--wd", ...user, ...args];
    return spawnSync("/usr/bin/nsenter", entered, { env, encoding: "utf8" });
  };
  const kg = (...args: string[]) => inside(...PROGRAM, ...args);
  const check = execForm("HEALTHCHECK");
  let health = inside(...check);
  for (const deadline = Date.now() + DEADLINE_MS; health.status !== 0; health = inside(...check)) {
    assert(Date.now() < deadline, `it is not healthy: ${health.stderr}`);
  }
  assertEquals(kg("set", "greeting", "hello").status, 0);
  assertEquals(kg("get", "greeting").stdout, "hello");
  assertMatch(kg("version").stdout, /by OpenSSL/);
  assertMatch(readFileSync(`/proc/${pid()}/status`, "utf8"), /^NSpid:\t\d+\t1$/m);
  process.kill(Number(pid()), "SIGTERM");
  assertEquals(await exited, 0);
});
