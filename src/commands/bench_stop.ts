/** Ctrl-C, or SIGTERM, while `kg bench` runs: the first signal ends the measuring, the second the program. */

import { constants } from "node:os";
import process from "node:process";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
export type Signal = (typeof SIGNALS)[number];

/** The exit status of a shell for a program that a signal has ended: 128 and the signal's number. */
export function statusOf(signal: Signal): number {
  return 128 + constants.signals[signal];
}

export class Interruption {
  /** The first signal; null if there was none. */
  signal: Signal | null = null;
  /** Whether the next signal ends the program. */
  #isLast = false;
  readonly #stop = new AbortController();
  readonly #onLast: () => void;
  readonly #listener = (signal: NodeJS.Signals) => this.#take(signal as Signal);

  /** @param onLast what is still to be said when a signal ends the program */
  constructor(onLast: () => void) {
    this.#onLast = onLast;
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** The measuring is over: a first signal ends the program as well. */
  expectEnd(): void {
    this.#isLast = true;
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }

  #take(signal: Signal): void {
    if (this.#isLast) {
      this.#onLast();
      process.exit(statusOf(signal));
    }
    this.#isLast = true;
    this.signal = signal;
    this.#stop.abort();
  }
}
