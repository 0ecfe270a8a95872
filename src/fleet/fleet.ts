/**
 * Several servers as one destination: each key has one of them, which decides the key's name alone.
 * A key never goes elsewhere, also not while its server is down: what makes a mutation happen once is a
 * server's own.
 * Source: docs/FLEET.md.
 */

import type { Destination, Time } from "../protocol/destination.ts";
import type { FillRandom } from "../protocol/nonces.ts";
import type { Member } from "./member.ts";
import { Rendezvous } from "./rendezvous.ts";

export class Fleet implements Destination {
  readonly servers: readonly Member[];
  readonly stores: readonly Member[];
  readonly time: Time;
  readonly fillRandom: FillRandom;
  readonly #rendezvous: Rendezvous;

  /** @param members one or more; several have names, all different */
  constructor(members: readonly Member[], time: Time, fillRandom: FillRandom) {
    this.servers = this.stores = members;
    this.time = time;
    this.fillRandom = fillRandom;
    const states = members.map(({ state }) => state);
    this.#rendezvous = new Rendezvous(
      states.map(({ name, address, weight }) => ({ name: name ?? address, weight })),
    );
  }

  homeOf(key: Uint8Array): Member {
    return this.servers[this.#rendezvous.choose(key)];
  }

  get retransmissions(): number {
    return this.servers.reduce((sum, { exchange }) => sum + exchange.retransmissions, 0);
  }

  close(): void {
    for (const member of this.servers) member.close();
  }
}
