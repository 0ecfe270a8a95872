/**
 * Other people's clients, by their default settings: each one's program sees the same of kg as of a
 * real server. It needs valkey-server or redis-server, and Python with its module redis; where
 * KG_NEED_RESP_SERVER is set, as in CI, it fails without.
 */

import { after, before, test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { installedRespServer } from "../../bench/processes.ts";
import { type Client, clients } from "./clients.ts";
import { differences, failures } from "./differences.ts";
import { installPackages } from "./installed.ts";
import { play } from "./play.ts";
import { type Servers, startServers } from "./servers.ts";

/** Once is enough: the clients have runtimes of their own, whatever runs this file. */
const IS_ON_BUN = "Bun" in globalThis;

const server = installedRespServer();
const all = IS_ON_BUN && server !== undefined ? installed(server) : [];
let servers: Servers;

test("the clients and a real server are here, where they must be", { skip: !IS_ON_BUN }, () => {
  if (!process.env.KG_NEED_RESP_SERVER) return;
  assert(server !== undefined, "install valkey or redis-server");
  const missing = all.flatMap(({ isRequired, missing }) => isRequired && missing || []);
  assertEquals(missing, []);
});

if (server === undefined) {
  test("other people's clients (no valkey-server, no redis-server)", { skip: true }, () => {});
}

if (all.length > 0) {
  before(async () => {
    servers = await startServers(`${server}-server`);
  });
  after(async () => {
    await servers.stop();
  });
}

for (const { name, missing, command } of all) {
  const reason = missing === undefined ? "" : ` (${missing})`;
  test(`${name} sees the same of kg as of a real server${reason}`, {
    skip: missing !== undefined,
  }, async () => {
    const ports = [servers.real, servers.kg];
    const [theirs, ours] = await Promise.all(ports.map((port) => play(command(port))));
    // A program that fails with both has compared nothing.
    assertEquals(failures(theirs), "");
    const found = differences(theirs, ours);
    assert(found === "", `${name} sees a difference:\n${found}`);
  });
}

function installed(server: string): Client[] {
  installPackages();
  return clients(server);
}
