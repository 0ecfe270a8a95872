/** A server whose queries are answered by threads of their own: the same replies, counts and refusals. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSocket } from "node:dgram";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  freshEnvironment,
  importLibrary,
  kg,
  type RunningServer,
  startServer,
} from "./programs.ts";

const { connect } = await importLibrary();
const env = freshEnvironment();
const key = env.KG_KEY ?? "";
const isSupported = "Bun" in globalThis && process.platform === "linux";
const options = { skip: !isSupported };

/** A key, then client, server and its end. */
async function withServer(
  args: readonly string[],
  use: (server: RunningServer) => Promise<void>,
): Promise<void> {
  const server = await startServer(env, args);
  try {
    await use(server);
  } finally {
    await server.stop("SIGKILL");
  }
}

function threads(server: RunningServer): number[][] {
  const { threads: section } = JSON.parse(
    kg(env, ["stats", "threads", "--json", "--server", server.addresses[0]]).text,
  );
  return Object.entries(section as Record<string, string>)
    .filter(([name]) => name.startsWith("reader"))
    .map(([, counts]) => counts.split(" ").map(Number));
}

test("clients spread over the readers, and see what was written at once", options, async () => {
  await withServer(["--readers", "3", "--poll", "20us"], async (server) => {
    assertMatch(server.output(), /readers: 3/);
    const clients = await Promise.all(
      Array.from({ length: 24 }, () => connect(server.addresses[0], { key })),
    );
    for (let round = 0; round < 20; round++) {
      await Promise.all(clients.map(async (client, i) => {
        const kv = client.within(10_000);
        await kv.set(`key${i}`, `value${round}`, { overwrite: true });
        const other = clients[(i + 7) % clients.length].within(10_000);
        assertEquals(await kv.getText(`key${i}`), `value${round}`);
        assertEquals(await other.getText(`key${i}`), `value${round}`);
        assertEquals(await kv.getText("none"), undefined);
      }));
    }
    const stats = await clients[0].within(10_000).stats({ section: "operations" });
    assertEquals(stats?.set, 480);
    // A query that took long was asked again, and answered again.
    assert(Number(stats?.get) >= 1_440 && Number(stats?.hits) >= 960, JSON.stringify(stats));
    const readers = threads(server);
    assertEquals(readers.length, 3);
    for (const [received, answered] of readers) assert(received > 0 && answered > 0);
    for (const client of clients) client.close();
  });
});

test("on several addresses, one of them of IPv6", options, async () => {
  const listen = ["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0", "--listen", "[::1]:0"];
  await withServer(["--readers", "2", ...listen], async (server) => {
    assertEquals(server.addresses.length, 3);
    for (const address of server.addresses) {
      const client = await connect(address, { key });
      const kv = client.within(10_000);
      await kv.set("place", address, { overwrite: true });
      for (let i = 0; i < 10; i++) assertEquals(await kv.getText("place"), address);
      client.close();
    }
    const answered = threads(server).reduce((sum, [, each]) => sum + each, 0);
    assert(answered >= 30, `${answered} of 30 GETs were answered by readers`);
  });
});

test("a second server at the same address is refused", options, async () => {
  await withServer(["--readers", "2"], async (server) => {
    const { status, stderr } = kg(env, ["serve", "--listen", server.addresses[0]]);
    assertEquals(status, 5);
    assertMatch(stderr, /in use/);
  });
});

test(
  "reads of a store with a folder tell what is durable, and what is in pieces",
  options,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "kilogram-readers-"));
    await withServer(["--readers", "1", "--data-dir", folder], async (server) => {
      const client = await connect(server.addresses[0], { key });
      const kv = client.within(20_000);
      const write = async (place: number) => {
        for (let i = 0; i < 50; i++) {
          await kv.set(`k${place}`, String(i), { overwrite: true });
          const seen = Number(await kv.getText(`k${place}`));
          assertEquals(seen, i);
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, place) => write(place)));
      client.close();
    });
    await withServer(["--readers", "1", "--data-dir", folder], async (server) => {
      assertEquals(kg(env, ["get", "k3", "--server", server.addresses[0]]).text, "49");
    });
  },
);

test(
  "the original wire's requests are answered, whichever socket they reach",
  options,
  async () => {
    const skvs = { ...env, SKVS_ENCRYPTION_KEY: "0123456789abcdef0123456789abcdef" };
    const server = await startServer(skvs, ["--readers", "2", "--skvs"]);
    const ask = (...args: string[]) =>
      kg(skvs, [...args, "--skvs", "--server", server.addresses[0]]);
    for (let i = 0; i < 8; i++) {
      assertEquals(ask("set", `k${i}`, `v${i}`).status, 0);
      assertEquals(ask("get", `k${i}`).text, `v${i}`);
      assertEquals(ask("exists", `k${i}`).status, 0);
    }
    assertEquals(ask("delete", "k0").status, 0);
    assertEquals(ask("get", "k0").status, 1);
    assertMatch(
      kg(skvs, ["stats", "operations", "--server", server.addresses[0]]).text,
      /skvs +26/,
    );
    await server.stop("SIGKILL");
  },
);

test(
  "a flood of garbage is dropped and counted, and a signal ends the server soon",
  options,
  async () => {
    const server = await startServer(env, ["--readers", "2", "--poll", "0"]);
    const [host, port] = server.addresses[0].split(":");
    const socket = createSocket("udp4");
    for (let i = 0; i < 200; i++) {
      const garbage = new Uint8Array(i % 10 === 0 ? 1_023 : 1_024).fill(i);
      await new Promise((resolve) => socket.send(garbage, Number(port), host, resolve));
    }
    socket.close();
    let dropped = 0;
    const counts = /dropped_size +(\d+)\n +dropped_authentication +(\d+)/;
    for (const deadline = Date.now() + 10_000; dropped < 200 && Date.now() < deadline;) {
      const { text } = kg(env, ["stats", "datagrams", "--server", server.addresses[0]]);
      const [, size, authentication] = counts.exec(text) ?? [];
      dropped = Number(size) + Number(authentication);
    }
    assertEquals(dropped, 200);
    const before = Date.now();
    assertEquals(await server.stop("SIGTERM"), 0);
    // It waits 50 ms at most for its readers; the bound leaves room for a busy machine.
    assert(Date.now() - before < 5_000);
    assertMatch(server.output(), /stopped by SIGTERM/);
  },
);

test("what can't be had is refused in one line", options, () => {
  for (
    const [args, words] of [
      [["--readers", "33"], /--readers 33 is not a number of 0 to 32/],
      [["--readers", "1.5"], /not a whole number/],
      [["--readers", "2", "--crypto", "web"], /--readers 2 can't be had: .* use --readers 0/],
      [["--poll", "50"], /--poll 50 is not a time of 0 to 10ms: write 50us/],
      [["--poll", "1ms", "--readers", "0"], /--poll is for readers/],
      [["--poll", "11ms"], /--poll 11ms is not a time of 0 to 10ms/],
    ] as const
  ) {
    const { status, stderr } = kg(env, ["serve", "--listen", "127.0.0.1:0", ...args]);
    assertEquals(status, 2);
    assertMatch(stderr, words);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});
