/** Ctrl-C and the like while `kg bench` runs: the first signal ends the measuring, the second the program. */

import { constants } from "node:os";
import process from "node:process";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type Signal = (typeof SIGNALS)[number];

/** The exit status of a shell for a program that a signal has ended: 128 and the signal's number. */
export function statusOf(signal: Signal): number {
  return 128 + constants.signals[signal];
}

export class Interruption {
  /** The first signal; null if there was none. */
  signal: Signal | null = null;
  readonly #stop = new AbortController();
  readonly #onSecond: () => void;
  readonly #listener = (signal: NodeJS.Signals) => this.#take(signal as Signal);

  /** @param onSecond what is still to be said when a second signal ends the program */
  constructor(onSecond: () => void) {
    this.#onSecond = onSecond;
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }

  #take(signal: Signal): void {
    if (this.signal !== null) {
      this.#onSecond();
      process.exit(statusOf(signal));
    }
    this.signal = signal;
    this.#stop.abort();
  }
}
