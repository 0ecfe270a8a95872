/** What SIGHUP means to a server: to read its files again. */

import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { log } from "./log.ts";

type Reread = () => void | Promise<void>;

export class HangUp {
  #rereads: readonly Reread[] | null = null;
  /** Whether the signal came before there was anything to read again. */
  #isDue = false;
  #last = Promise.resolve();
  readonly #hadTerminal = process.stdin.isTTY === true && hasTerminal();
  readonly #listener = () => this.#take();

  constructor() {
    process.on("SIGHUP", this.#listener);
  }

  /** @param rereads one after the other with every signal; what fails stays as it was */
  begin(rereads: readonly Reread[]): void {
    this.#rereads = rereads;
    if (this.#isDue) this.#take();
  }

  end(): void {
    process.off("SIGHUP", this.#listener);
  }

  #take(): void {
    // The terminal was closed: a server in its foreground ends with it.
    if (this.#hadTerminal && !hasTerminal()) process.kill(process.pid, "SIGTERM");
    else if (this.#rereads === null) this.#isDue = true;
    else for (const reread of this.#rereads) this.#add(reread);
  }

  #add(reread: Reread): void {
    this.#last = this.#last.then(reread).catch((error) => {
      const text = error instanceof Error ? error.message : String(error);
      log.error("reread", `SIGHUP: ${text}; this stays as it was`);
    });
  }
}

/** Whether this process has a terminal that controls it (tty(4)). */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
