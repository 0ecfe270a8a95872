/** What all RESP connections share: who is connected, what they watch, and the password. */

import type { Client } from "./client.ts";
import type { Password } from "./password.ts";
import { Watches } from "./watches.ts";

export class RespDoor {
  /** In the order in which they came. */
  readonly clients = new Set<Client>();
  readonly watches: Watches;
  /** Null if none is asked for. Connections that have given another one before stay. */
  password: Password | null;

  /** @param observe is given what to call with every key that changes; null for nothing */
  constructor(password: Password | null, observe: Watches["observe"]) {
    this.password = password;
    this.watches = new Watches(observe);
  }
}
