import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Client } from "../../src/mod.ts";
import { everyByte, fillRandomOf } from "../bytes.ts";
import {
  freshEnvironment,
  importLibrary,
  kg,
  LIBRARY,
  type RunningServer,
  startServer,
} from "./programs.ts";

const { connect, DeadlineExceededError, InvalidArgumentError, MasterKeyError } =
  await importLibrary();
const CHOICES = ["native", "node", "web"] as const;
/** Long enough for a slow shared machine. */
const TIMEOUT_MS = 10_000;

const env = freshEnvironment();
const servers = new Map<string, RunningServer>();

before(async () => {
  for (const choice of CHOICES) {
    servers.set(choice, await startServer(env, ["--crypto", choice]));
  }
});
after(async () => {
  for (const server of servers.values()) await server.stop("SIGKILL");
});

function serverOf(choice: string): RunningServer {
  const server = servers.get(choice);
  assert(server !== undefined);
  return server;
}

async function open(
  serverChoice = "native",
  crypto: (typeof CHOICES)[number] = "native",
): Promise<Client> {
  return connect(serverOf(serverChoice).addresses[0], { key: env.KG_KEY ?? "", crypto });
}

for (const atServer of CHOICES) {
  for (const atClient of CHOICES) {
    test(`every operation, sealing by ${atServer} there and ${atClient} here`, async () => {
      const client = await open(atServer, atClient);
      const kv = client.within(TIMEOUT_MS);
      const name = `${atServer}-${atClient}`;
      const key = everyByte(128);
      const value = everyByte(863);
      value.fill(0, 850);
      assertEquals((await kv.set(key, value, { overwrite: true })).stored, true);
      assertEquals(await kv.get(key), value);
      assertEquals(await kv.delete(key), value);
      assertEquals(await kv.get(key), undefined);
      await assertRejects(() => kv.set(key, everyByte(864)), InvalidArgumentError, "864");
      await assertRejects(() => kv.get(everyByte(129)), InvalidArgumentError, "129");
      assertEquals((await kv.set(name, "one", { ttl: 60_000 })).stored, true);
      assertEquals((await kv.set(name, "two")).stored, false);
      assertEquals(await kv.getText(name), "one");
      assert(((await kv.exists(name))?.ttl ?? 0) > 0);
      assertEquals(await kv.touch(name), true);
      assertEquals(await kv.exists(name), { ttl: undefined });
      const sums = await Promise.all(Array.from({ length: 200 }, () => kv.add(`${name}#`, 1)));
      assertEquals(new Set(sums.map((sum) => sum.value)).size, 200);
      assert((await kv.ping()) > 0);
      assertEquals((await kv.stats())?.version, "0.1.0");
      client.close();
    });
  }

  test(`strangers' datagrams get silence, change nothing and are counted (${atServer})`, async () => {
    const client = await open(atServer);
    const kv = client.within(TIMEOUT_MS);
    await kv.set("kept", "safe", { overwrite: true });
    const before = await counts(client);
    const stranger = createSocket("udp4");
    let answers = 0;
    stranger.on("message", () => answers++);
    const port = Number(serverOf(atServer).addresses[0].split(":").at(-1));
    const sent = { size: 0, random: 0 };
    for (let i = 0; i < 60; i++) {
      const length = [1023, 1024, 1025][i % 3];
      const datagram = new Uint8Array(length);
      fillRandomOf(i)(datagram);
      if (length === 1024) sent.random++;
      else sent.size++;
      await new Promise((resolve) => stranger.send(datagram, port, "127.0.0.1", resolve));
    }
    let now = before;
    for (let i = 0; i < 100; i++) {
      now = await counts(client);
      if (now.size - before.size + now.random - before.random >= 60) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assertEquals({ size: now.size - before.size, random: now.random - before.random }, sent);
    assertEquals(answers, 0);
    assertEquals(await kv.getText("kept"), "safe");
    stranger.close();
    client.close();
  });
}

async function counts(client: Client) {
  const stats = await client.stats({ section: "datagrams", timeout: TIMEOUT_MS });
  return {
    size: Number(stats?.dropped_size),
    random: Number(stats?.dropped_authentication),
  };
}

test("thousands of calls at once all get their turn", async () => {
  const client = await open();
  const kv = client.within(60_000);
  await kv.set("k", "v", { overwrite: true });
  const values = await Promise.all(Array.from({ length: 3_000 }, () => kv.getText("k")));
  assert(values.every((value) => value === "v"));
  client.close();
});

test("no server, another key, a wrong key, a wrong address", async () => {
  const { address, close } = await silentSocket();
  const lonely = await connect(address, { key: env.KG_KEY ?? "" });
  await assertRejects(() => lonely.get("k", { timeout: 60 }), DeadlineExceededError, "no server");
  lonely.close();
  close();
  const stranger = await connect(serverOf("native").addresses[0], { key: new Uint8Array(32) });
  await assertRejects(() => stranger.get("k", { timeout: 60 }), DeadlineExceededError);
  stranger.close();
  await assertRejects(() => connect("127.0.0.1:1", { key: "secret" }), MasterKeyError);
  await assertRejects(() => connect("127.0.0.1:0", { key: env.KG_KEY ?? "" }), Error, "port 0");
  const nowhere = () => connect("nowhere.invalid:1", { key: env.KG_KEY ?? "" });
  await assertRejects(nowhere, InvalidArgumentError, "nowhere.invalid");
});

/** Runs something with other variables of the environment. */
async function withVariables(
  variables: Readonly<Record<string, string>>,
  run: () => Promise<unknown>,
): Promise<void> {
  const names = ["KG_SERVER", "KG_SPREAD", "KG_KEY", "KG_KEY_FILE"];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

test("server and key come from the environment, or the server's URL", async () => {
  const [address] = serverOf("native").addresses;
  const key = env.KG_KEY ?? "";
  const file = join(env.HOME ?? "", "a key");
  writeFileSync(file, `${key}\n`);
  const greets = async (...args: Parameters<typeof connect>) => {
    await using client = await connect(...args);
    await client.set("greeting", "hello", { timeout: TIMEOUT_MS, overwrite: true });
    assertEquals(await client.getText("greeting", { timeout: TIMEOUT_MS }), "hello");
  };
  await withVariables({ KG_SERVER: address, KG_KEY: key }, () => greets());
  await withVariables({ KG_SERVER: `kg://${address}`, KG_KEY_FILE: file }, () => greets());
  await withVariables({ KG_SERVER: "nowhere.invalid", KG_KEY: "nonsense" }, async () => {
    await greets(`kg://${address}?onDown=miss`, { key });
    await greets(`kg://${address}/`, { key, maxWaiting: 1_048_576 });
  });
  await withVariables({}, async () => {
    await assertRejects(() => connect(), InvalidArgumentError, "KG_KEY_FILE");
  });
  await withVariables({ KG_KEY: "nonsense" }, async () => {
    await assertRejects(() => connect(), MasterKeyError, "KG_KEY is not a key: it is text of 8");
  });
  await withVariables({ KG_KEY_FILE: `${file}.gone` }, async () => {
    await assertRejects(() => connect(), InvalidArgumentError, "gone");
  });
  writeFileSync(file, "nonsense");
  await withVariables({ KG_KEY_FILE: file }, async () => {
    await assertRejects(() => connect(), MasterKeyError, `What is in "${file}" is not a key`);
  });
});

test("kg takes the same URL, and tells no key that is in one", () => {
  const [address] = serverOf("native").addresses;
  const to = (url: string) => kg(env, ["set", "by url", "x", "--overwrite", "--server", url]);
  assertEquals(to(`kg://${address}`).status, 0);
  assertEquals(to(`kg://${address},127.0.0.1:9?spread=any`).status, 0);
  const refused = to(`kg://${address}?key=${env.KG_KEY}`);
  assertEquals([refused.status, refused.stderr.includes(env.KG_KEY ?? "")], [2, false]);
});

test("connect refuses options that do not exist, and values that they can't have", async () => {
  const key = env.KG_KEY ?? "";
  const cases: [Record<string, unknown>, string][] = [
    [{ key, timeout: 50 }, "timeout is no option of connect; it has key, crypto, onDown"],
    [{ keys: [key] }, "keys is no option of connect; did you mean key?"],
    [{ key, ondown: "miss" }, "did you mean onDown?"],
    [{ key, crypto: "openssl" }, 'crypto is "openssl"; it must be "native" or "node" or "web"'],
    [{ key, spread: "all" }, "spread"],
    [{ key, maxWaiting: 0 }, "maxWaiting is 0"],
    [{ key, maxWaiting: 1_048_577 }, "1 to 1048576"],
    [{ key, maxWaiting: "5" }, "maxWaiting"],
  ];
  for (const [options, words] of cases) {
    await assertRejects(() => connect("127.0.0.1:1", options), InvalidArgumentError, words);
  }
  const given = "kg://127.0.0.1:1?spread=any";
  await assertRejects(() => connect(given, { key, spread: "keys" }), InvalidArgumentError, "any");
});

/** A socket that answers nothing. */
async function silentSocket() {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

test("after the server restarts, the client goes on with the new one", async () => {
  const alone = freshEnvironment();
  const first = await startServer(alone);
  const client = await connect(first.addresses[0], { key: alone.KG_KEY ?? "" });
  const kv = client.within(TIMEOUT_MS);
  assertEquals((await kv.add("n", 1)).value, 1n);
  assertEquals(await first.stop("SIGKILL"), null);
  const during = kv.add("n", 1);
  const second = await startServer(alone, ["--listen", first.addresses[0]]);
  assertEquals((await during).value, 1n, "the new server started empty");
  assertEquals((await kv.add("n", 1)).value, 2n);
  client.close();
  await second.stop("SIGKILL");
});

const isBundled = LIBRARY === "dist/mod.js";

test("on Node the library is one file, which loads no socket before a client is wanted", {
  skip: !isBundled && "only Node takes the bundle",
}, () => {
  const bundle = readFileSync(LIBRARY, "utf8");
  const imported = [...bundle.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, name]) => name);
  assert(imported.includes("node:dgram"));
  assertEquals(imported.filter((name) => !name.startsWith("node:")), []);
  const entry = JSON.stringify(pathToFileURL(join(process.cwd(), LIBRARY)).href);
  const program = `await import(${entry}); console.log(process.moduleLoadList.join());`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
  const loaded = stdout.toString();
  assert(loaded.includes("NativeModule net"), loaded);
  assert(!/NativeModule (dgram|dns\/promises|internal\/crypto\/webcrypto)/.test(loaded), loaded);
});

test("an open client does not keep a process alive, answered or not", async () => {
  const { address, close } = await silentSocket();
  const script = join(env.HOME ?? "", "open_client.mjs");
  const entry = join(process.cwd(), LIBRARY);
  const program = `
    import { connect } from ${JSON.stringify(pathToFileURL(entry).href)};
    const kv = await connect(${JSON.stringify(serverOf("native").addresses[0])}, {
      key: ${JSON.stringify(env.KG_KEY)},
    });
    await kv.set("from a script", "x", { timeout: ${TIMEOUT_MS}, overwrite: true });
    const unanswered = await connect(${JSON.stringify(address)}, { key: ${
    JSON.stringify(env.KG_KEY)
  } });
    await unanswered.get("k", { timeout: 50 }).catch(() => {});
    console.log("done");
  `;
  writeFileSync(script, program);
  const runs = "Deno" in globalThis
    ? [["run", "-A", "--unstable-net", script], ["run", "--no-prompt", "--allow-net", script]]
    : [[script]];
  for (const args of runs) {
    const { stdout, status } = spawnSync(process.execPath, args, { env, timeout: 30_000 });
    assertEquals([status, stdout.toString()], [0, "done\n"], args.join(" "));
  }
  close();
});
