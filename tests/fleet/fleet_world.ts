/** Servers with names, and clients of all of them, on a virtual clock. */

import { Client } from "../../src/client.ts";
import { copyBytes } from "../../src/bytes.ts";
import { Fleet } from "../../src/fleet/fleet.ts";
import { Member } from "../../src/fleet/member.ts";
import type { OnDown } from "../../src/server_url.ts";
import { trafficCiphers } from "../../src/protocol/keys.ts";
import { nodeCrypto } from "../../src/runtime/node_crypto.ts";
import { fillRandomOf } from "../bytes.ts";
import {
  type Link,
  makeLink,
  makeServer,
  MASTER_KEY,
  outcome,
  type ServerInWorld,
  WorldClock,
} from "../world.ts";

export interface NamedServer extends ServerInWorld {
  readonly name: string;
}

/** What decides where the datagrams for a server go: null for nowhere, as where there is no such address. */
export type Route = (name: string) => Link | null;

export async function makeServers(clock: WorldClock, names: readonly string[]) {
  const servers = new Map<string, NamedServer>();
  for (const name of names) servers.set(name, { ...await makeServer(clock, { name }), name });
  return servers;
}

let seeds = 7_000_000;

export async function makeFleetClient(
  clock: WorldClock,
  names: readonly string[],
  route: Route,
  onDown: OnDown = "error",
) {
  const members = await Promise.all(names.map(async (name) => {
    const ports = {
      ciphers: await trafficCiphers(MASTER_KEY, nodeCrypto, name),
      now: clock.now,
      makeAlarm: clock.makeAlarm,
      fillRandom: fillRandomOf(seeds++),
    };
    const paths = {
      async open(exchange: Member["exchange"], known: string | undefined) {
        const link = route(name);
        if (link === null) throw new Error(`The host "${name}" has no address.`);
        if (known === name) return null;
        return { to: name, send: (datagram: Uint8Array) => transmit(datagram), close: () => {} };

        function transmit(datagram: Uint8Array): void {
          const to = route(name) ?? makeLink(null);
          const later = (run: () => void) => clock.at(clock.now() + to.oneWayMs, run);
          const sent = copyBytes(datagram);
          for (let copies = to.onRequest(sent, 0); copies > 0; copies--) {
            later(() =>
              to.server?.deliver(copyBytes(sent), (reply) => {
                for (let again = to.onReply(reply, 0); again > 0; again--) {
                  later(() => exchange.receive(copyBytes(reply)));
                }
              })
            );
          }
        }
      },
    };
    return new Member({ name, address: `${name}:4040`, weight: 1, onDown, paths, ports });
  }));
  await Promise.all(members.map((member) => member.open()));
  for (const member of members) member.begin();
  const time = { now: clock.now, makeAlarm: clock.makeAlarm };
  const fleet = new Fleet(members, time, fillRandomOf(seeds++));
  return { client: new Client(fleet, () => {}), members };
}

/** Three servers, a link to each, and a client that allows a second for each call. */
export async function threeServers(onDown: OnDown = "error") {
  const clock = new WorldClock();
  const names = ["cache-1", "cache-2", "cache-3"];
  const servers = await makeServers(clock, names);
  const links = new Map(names.map((name) => [name, makeLink(servers.get(name) ?? null)]));
  const { client, members } = await makeFleetClient(
    clock,
    names,
    (name) => links.get(name) ?? null,
    onDown,
  );
  const run = <T>(promise: Promise<T>) => outcome(clock, promise);
  /** A key that a server has, one of many. */
  const keyAt = (name: string, number = 0): string => {
    for (let i = 0, found = 0;; i++) {
      if (client.serverOf(`key:${i}`) === name && found++ === number) return `key:${i}`;
    }
  };
  return { clock, names, servers, links, client, kv: client.within(1_000), members, run, keyAt };
}
