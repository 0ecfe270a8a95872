/**
 * What `kg bench` shows while it runs, on standard error: a line that is rewritten, if that is a terminal,
 * and otherwise a line now and then.
 */

import type { Extent } from "../load/loops.ts";
import { Measured } from "../load/measured.ts";
import { joinSpans, type Span } from "../load/span.ts";
import { milliseconds, whole } from "./bench_numbers.ts";
import { complain } from "./output.ts";
import { bar, fit, lineWidth, showOnTerminal } from "./progress.ts";

const TICK_MS = 250;
/** Lines that are not on a terminal: some 60 if the end is known, but one a minute at least. */
const LINES = 60;
const MOST_INTERVAL_S = 60;
const LINE_INTERVAL_S = 5;
/** Seconds that are kept to be drawn. */
const MAX_RECENT = 200;
/** The first is for nothing at all. */
const LEVELS = "▁▂▃▄▅▆▇█";
const LEAST_DRAWN = 3;

/** A step of a run, such as setting the keys. */
export class Live {
  readonly measured = new Measured((span) => this.#take(span));
  readonly #what: string;
  readonly #extent: Extent;
  readonly #isDetailed: boolean;
  readonly #stop: AbortSignal;
  readonly #startedAtMs = performance.now();
  readonly #ticking = setInterval(() => this.#tick(), TICK_MS);
  #recent: Span[] = [];
  /** The seconds since the last line. */
  #unsaid: Span | null = null;

  /**
   * @param isDetailed whether rates and latencies are shown
   * @param stop when it is to end early, as soon as the calls under way have ended
   */
  constructor(what: string, extent: Extent, isDetailed: boolean, stop: AbortSignal) {
    this.#what = what;
    this.#extent = extent;
    this.#isDetailed = isDetailed;
    this.#stop = stop;
    this.#tick();
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Clears the line. */
  end(): void {
    clearInterval(this.#ticking);
    showOnTerminal("");
  }

  #tick(): void {
    this.measured.advance(this.elapsedMs);
    const width = lineWidth();
    const line = fit(this.#parts(), width);
    const room = width - line.length - 2;
    showOnTerminal(this.#recent.length < LEAST_DRAWN ? line : `${line}  ${this.#drawing(room)}`);
  }

  #take(span: Span): void {
    this.#recent = [...this.#recent, span].slice(-MAX_RECENT);
    if (process.stderr.isTTY) return;
    this.#unsaid = this.#unsaid === null ? span : joinSpans(this.#unsaid, span);
    if (this.#unsaid.lengthS < this.#lineIntervalS) return;
    complain(`kg bench: ${this.#what}, ${this.#isDetailed ? lineOf(this.#unsaid) : this.#done}`);
    this.#unsaid = null;
  }

  get #lineIntervalS(): number {
    const { durationMs } = this.#extent;
    if (!this.#isDetailed || !Number.isFinite(durationMs)) return LINE_INTERVAL_S;
    return Math.min(MOST_INTERVAL_S, Math.max(1, durationMs / 1_000 / LINES));
  }

  /** How far it is. */
  get #done(): string {
    if (this.#stop.aborted) return "ending (Ctrl-C: at once)";
    const { durationMs } = this.#extent;
    if (!Number.isFinite(durationMs)) return `${Math.floor(this.#share * 100)} %`;
    const seconds = Math.min(this.elapsedMs, durationMs) / 1_000;
    return `${Math.floor(seconds)} of ${Math.ceil(durationMs / 1_000)} s`;
  }

  get #share(): number {
    const { durationMs, count } = this.#extent;
    return Math.min(1, Math.max(this.elapsedMs / durationMs, this.measured.ended / count));
  }

  /** The most important comes first. */
  #parts(): string[] {
    const last = this.#recent.at(-1);
    if (!this.#isDetailed) return [`${this.#what} ${this.#done}`, bar(this.#share)];
    if (last === undefined) return [`${this.#what} ${this.#done}`];
    const { reads, writes, total } = last;
    return [
      this.#done,
      `${whole(total.perS)}/s`,
      `p99 ${milliseconds(total.p99Ms)}`,
      ...(total.failed > 0 ? [`${whole(total.failed)} failed`] : []),
      `reads ${whole(reads.perS)}`,
      `writes ${whole(writes.perS)}`,
    ];
  }

  /** The throughput of the last seconds, a character for each. */
  #drawing(width: number): string {
    if (width < LEAST_DRAWN) return "";
    const rates = this.#recent.slice(-width).map(({ total }) => total.perS);
    const most = Math.max(...rates, 1);
    return rates.map((rate) => LEVELS[Math.ceil(rate / most * (LEVELS.length - 1))]).join("");
  }
}

function lineOf({ startS, lengthS, reads, writes, total }: Span): string {
  return `${Math.round(startS + lengthS)} s: ${whole(total.perS)} a second ` +
    `(${whole(reads.perS)} reads, ${whole(writes.perS)} writes), ` +
    `p99 ${milliseconds(total.p99Ms)}, ${whole(total.failed)} failed`;
}
