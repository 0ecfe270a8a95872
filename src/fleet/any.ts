/**
 * Several servers that all lead to the same keys, such as gateways before one engine: the first that is up
 * gets the calls. What it has not sent when it goes down goes to the next; what was sent goes nowhere else.
 */

import { ServerDownError } from "../errors.ts";
import type { Limit, Reply } from "../protocol/call.ts";
import type { Destination, ServerDestination, ServerState, Time } from "../protocol/destination.ts";
import type { Request } from "../protocol/frame.ts";
import type { FillRandom } from "../protocol/nonces.ts";
import type { OnDown } from "../server_url.ts";
import { type Member, orMiss } from "./member.ts";

export class AnyOf implements Destination, ServerDestination {
  readonly servers: readonly Member[];
  readonly time: Time;
  readonly fillRandom: FillRandom;
  readonly #onDown: OnDown;

  /** @param members one or more, in the order in which they are preferred, which fail when they are down */
  constructor(members: readonly Member[], time: Time, fillRandom: FillRandom, onDown: OnDown) {
    this.#onDown = onDown;
    this.servers = members;
    this.time = time;
    this.fillRandom = fillRandom;
  }

  /** Any of them has all keys, and is asked for them. */
  get stores(): readonly ServerDestination[] {
    return [this];
  }

  homeOf(): ServerDestination {
    return this;
  }

  get state(): ServerState {
    return this.#first.state;
  }

  get #first(): Member {
    return this.servers.find(({ state }) => !state.isDown) ?? this.servers[0];
  }

  call(request: Request, limit: Limit): Promise<Reply> {
    return orMiss(this.#call(request, limit), request, this.#onDown);
  }

  async #call(request: Request, { timeoutMs, signal }: Limit): Promise<Reply> {
    const untilMs = this.time.now() + timeoutMs;
    for (let attempts = 1;; attempts++) {
      try {
        return await this.#first.call(request, { timeoutMs: untilMs - this.time.now(), signal });
      } catch (error) {
        const isDown = error instanceof ServerDownError && error.effect === "none";
        if (!isDown || attempts >= this.servers.length || this.#first.state.isDown) throw error;
      }
    }
  }

  get retransmissions(): number {
    return this.servers.reduce((sum, { exchange }) => sum + exchange.retransmissions, 0);
  }

  close(): void {
    for (const member of this.servers) member.close();
  }
}
