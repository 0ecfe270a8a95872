/** `kg serve` under a service manager, whose socket is that of a program in Python. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freshEnvironment, startServer } from "./programs.ts";

const isBun = "Bun" in globalThis;
const skip = process.platform !== "linux" || spawnSync("python3", ["--version"]).status !== 0;
const DEADLINE_MS = 20_000;

/** Prints each datagram that it receives as a line of JSON. */
const RECEIVER = `
import json, socket, sys
place = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\\0" + place[1:] if place.startswith("@") else place)
print('["open"]', flush=True)
while True:
    print(json.dumps(receiver.recv(4096).decode().split("\\n")), flush=True)
`;

class Manager {
  readonly place: string;
  /** The messages so far, each of some lines. */
  readonly messages: string[][] = [];
  readonly #child: ChildProcess;
  #rest = "";

  constructor(place: string) {
    this.place = place;
    this.#child = spawn("python3", ["-c", RECEIVER, place], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.on("data", (chunk) => {
      const lines = `${this.#rest}${chunk}`.split("\n");
      this.#rest = lines.pop() ?? "";
      this.messages.push(...lines.map((line) => JSON.parse(line)));
    });
  }

  /** Waits until some line has been sent this often; returns all lines then. */
  async has(line: string, times = 1): Promise<string[]> {
    for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline;) {
      const lines = this.messages.flat();
      if (lines.filter((each) => each === line).length >= times) return lines;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no ${line} among ${JSON.stringify(this.messages)}`);
  }

  async close(): Promise<void> {
    this.#child.kill();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
  }
}

const managers: Manager[] = [];

async function managerAt(place: string): Promise<Manager> {
  const manager = new Manager(place);
  managers.push(manager);
  await manager.has("open");
  return manager;
}

const folder = mkdtempSync(join(tmpdir(), "kilogram-manager-"));
after(async () => {
  for (const manager of managers) await manager.close();
  rmSync(folder, { recursive: true });
});

const PLACES = [join(folder, "notify"), `@kilogram-test-${process.pid}`];

for (const place of PLACES) {
  test(`the service manager at ${place[0]} hears when it is ready, and when it stops`, {
    skip: skip || !isBun,
  }, async () => {
    const manager = await managerAt(place);
    const env = { ...freshEnvironment(), NOTIFY_SOCKET: place };
    const server = await startServer(env);
    await manager.has(`STATUS=listens on ${server.addresses[0]}`);
    assertEquals(await server.stop(), 0);
    assertEquals((await manager.has("STOPPING=1")).filter((line) => line.endsWith("=1")), [
      "READY=1",
      "STOPPING=1",
    ]);
  });
}

test("it asks for time to load a folder, says that it is alive, and that it reads its key again", {
  skip: skip || !isBun,
}, async () => {
  const manager = await managerAt(join(folder, "long"));
  const { KG_KEY, ...rest } = freshEnvironment();
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, `${KG_KEY}\n`, { mode: 0o600 });
  const env = { ...rest, NOTIFY_SOCKET: manager.place, WATCHDOG_USEC: "200000" };
  // A name is no message to the manager.
  const data = join(folder, "data\nREADY=1");
  const server = await startServer(env, ["--key-file", keyFile, "--data-dir", data]);
  const [, starting, loading] = manager.messages;
  assertEquals(starting, ["STATUS=starting"]);
  assertMatch(loading.join(), /^EXTEND_TIMEOUT_USEC=\d+,STATUS=loading .*data\\x0aREADY=1$/);
  await manager.has("WATCHDOG=1", 2);
  server.process.kill("SIGHUP");
  const lines = (await manager.has("READY=1", 2)).filter((line) => !line.startsWith("WATCHDOG"));
  const from = lines.indexOf("RELOADING=1");
  assertMatch(lines[from + 1], /^MONOTONIC_USEC=\d+$/);
  assert(lines.lastIndexOf("READY=1") > from);
  assertMatch(server.output(), /key: read again/);
  assertEquals(await server.stop(), 0);
});

test("a process for which the watchdog is not meant does not answer it", {
  skip: skip || !isBun,
}, async () => {
  const manager = await managerAt(join(folder, "other"));
  const NOTIFY_SOCKET = manager.place;
  const env = { ...freshEnvironment(), NOTIFY_SOCKET, WATCHDOG_USEC: "2000", WATCHDOG_PID: "1" };
  const server = await startServer(env);
  await manager.has("READY=1");
  assertEquals(await server.stop(), 0);
  assert(!(await manager.has("STOPPING=1")).includes("WATCHDOG=1"));
});

test("a manager that can't be told gets a warning, and the server serves", {
  skip: process.platform === "win32",
}, async () => {
  const nowhere = join(folder, "nowhere");
  const server = await startServer({ ...freshEnvironment(), NOTIFY_SOCKET: nowhere });
  const warning = `warning: the service manager at NOTIFY_SOCKET (${nowhere}) can't be told`;
  assert(server.output().includes(warning));
  assertEquals(/kg on Bun on Linux/.test(server.output()), !isBun || process.platform !== "linux");
  assertEquals(await server.stop(), 0);
});
