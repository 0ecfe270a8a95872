/** The whole terminal, for as long as a command draws on it; what was there before comes back. */

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const CTRL_C = "\x03";
/** Sizes of a terminal that does not tell its own. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export class Screen {
  /** Aborted when the user wants to leave: by q, Ctrl-C, or a signal. */
  readonly left: AbortSignal;
  readonly #leave = new AbortController();
  readonly #onData = (keys: Buffer) => {
    const text = keys.toString();
    if (text === CTRL_C || text.toLowerCase() === "q") this.#leave.abort();
  };
  readonly #onSignal = () => this.#leave.abort();

  constructor() {
    this.left = this.#leave.signal;
    process.stdout.write(ENTER);
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true);
      process.stdin.on("data", this.#onData).resume();
    }
    process.on("SIGINT", this.#onSignal).on("SIGTERM", this.#onSignal);
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
    process.off("SIGINT", this.#onSignal).off("SIGTERM", this.#onSignal);
    if (process.stdin.isTTY) {
      process.stdin.off("data", this.#onData).pause();
      process.stdin.setRawMode(false);
    }
    process.stdout.write(LEAVE);
  }
}
