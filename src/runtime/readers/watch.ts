/**
 * How a reader waits for datagrams: it looks again for a while before it sleeps, if that pays. Waking a
 * processor that sleeps is most of what a lone request takes, and looking costs a processor.
 *
 * The rule is that of the kernel's haltpoll (Documentation/virt/kvm/halt-polling): look again if the last
 * wait was short, and stop after looking in vain. So a server that is asked seldom does not look at all.
 */

import type { Receive } from "../../protocol/socket.ts";
import type { ServerBatch } from "../batches.ts";
import type { LinuxSocket } from "../linux_socket.ts";
import { Poll } from "../poll.ts";

/** How often a waiting reader looks whether it is to stop, although it is also woken for that. */
const WAIT_MS = 1_000;

/** A wait is short below this many times the longest look: part of it was spent on waking up. */
const SHORT = 2;

export interface WatchOptions {
  readonly sockets: readonly LinuxSocket[];
  readonly batches: readonly ServerBatch[];
  readonly receive: Receive;
  /** The longest time to look again, in ms; 0 for never. */
  readonly pollMs: number;
}

export class Watch {
  /** How often it looked again, successful or not. */
  polls = 0;
  readonly #options: WatchOptions;
  readonly #receive: Receive;
  readonly #poll: Poll | null;
  #mayLook = false;
  #arrivedAtMs = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#receive = (arrivals, socket) => {
      this.#arrivedAtMs = performance.now();
      options.receive(arrivals, socket);
    };
    for (const each of options.sockets) each.limitWaits(WAIT_MS);
    this.#poll = Poll.of(options.sockets.map(({ fd }) => fd));
  }

  /** Takes the next datagrams; comes back without any after WAIT_MS. */
  takeNext(): void {
    if (this.#mayLook && this.#look()) return;
    const startedAtMs = performance.now();
    const waitedMs = this.#wait() > 0 ? this.#arrivedAtMs - startedAtMs : WAIT_MS;
    this.#mayLook = waitedMs < SHORT * this.#options.pollMs;
  }

  /** Looks until something is there. @returns whether there was */
  #look(): boolean {
    const untilMs = performance.now() + this.#options.pollMs;
    do {
      this.polls++;
      if (this.#takeWaiting() > 0) return true;
    } while (performance.now() < untilMs);
    this.#mayLook = false;
    return false;
  }

  #wait(): number {
    const { batches } = this.#options;
    if (batches.length === 1) return batches[0].takeOrWait(this.#receive);
    this.#poll?.wait(WAIT_MS);
    return this.#takeWaiting();
  }

  #takeWaiting(): number {
    let taken = 0;
    for (const batch of this.#options.batches) taken += batch.takeWaiting(this.#receive);
    return taken;
  }
}
