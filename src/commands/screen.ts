/** The whole terminal, for as long as a command draws on it; what was there before comes back. */

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
/** The last is Ctrl-C. */
const LEAVING = ["q", "Q", "\x03"];
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Sizes of a terminal that does not tell its own. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export class Screen {
  /** Aborted when the user wants to leave: by q, Ctrl-C, or a signal. */
  readonly left: AbortSignal;
  readonly #leave = new AbortController();
  readonly #onData = (keys: Buffer) => {
    // Several may come at once, as when one is held down.
    const text = keys.toString();
    if (LEAVING.some((key) => text.includes(key))) this.#leave.abort();
  };
  readonly #onSignal = () => this.#leave.abort();

  constructor() {
    this.left = this.#leave.signal;
    process.stdout.write(ENTER);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.on("data", this.#onData).resume();
    }
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  get columns(): number {
    return process.stdout.columns || DEFAULT_COLUMNS;
  }

  get rows(): number {
    return process.stdout.rows || DEFAULT_ROWS;
  }

  /** @param lines each no wider than `columns`, and no more than `rows` */
  draw(lines: readonly string[]): void {
    const text = lines.map((line) => line + CLEAR_LINE).join("\r\n");
    process.stdout.write(HOME + text + CLEAR_BELOW);
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    if (process.stdin.isTTY) {
      process.stdin.off("data", this.#onData).pause();
      process.stdin.setRawMode(false);
    }
    process.stdout.write(LEAVE);
  }
}
