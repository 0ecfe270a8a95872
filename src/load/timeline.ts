/**
 * The course of a load, second by second. A call counts in the second in which it ended, so a stall
 * shows as seconds in which little ended, and then one whose calls took long.
 */

import { Series } from "./series.ts";
import { joinSpans, type Span, spanSeries } from "./span.ts";

/** The calls of a second that is not over, or of which threads may still tell. */
class Second {
  readonly reads = new Series();
  readonly writes = new Series();

  add({ reads, writes }: Second): void {
    this.reads.add(reads);
    this.writes.add(writes);
  }

  reset(): void {
    this.reads.reset();
    this.writes.reset();
  }
}

/** Seconds that are open at a time. */
const OPEN_SECONDS = 4;
/** How long a second stays open after its end: threads pass on what they measured every 250 ms. */
const GRACE_MS = 500;
/** Spans that are kept: an hour of seconds. After that each is twice as long, and so on. */
export const MAX_SPANS = 3_600;
const SECOND_MS = 1_000;

export class Timeline {
  readonly #onSecond: (span: Span, reads: Series, writes: Series) => void;
  readonly #open = Array.from({ length: OPEN_SECONDS }, () => new Second());
  readonly #total = new Series();
  #firstOpen = 0;
  #spans: Span[] = [];
  #secondsOfSpan = 1;

  /** @param onSecond gets every second when it is over; the series are used again after that */
  constructor(onSecond: (span: Span, reads: Series, writes: Series) => void) {
    this.#onSecond = onSecond;
  }

  /** The seconds that are over, or spans of several; at most `MAX_SPANS`. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** The second of a call that ended; one that comes late counts in the oldest that is open. */
  at(endedAtMs: number): { readonly reads: Series; readonly writes: Series } {
    const number = Math.max(this.#firstOpen, Math.floor(endedAtMs / SECOND_MS));
    while (number >= this.#firstOpen + OPEN_SECONDS) this.#close(1);
    return this.#second(number);
  }

  /** Closes the seconds that were over some time ago. */
  advance(nowMs: number): void {
    while ((this.#firstOpen + 1) * SECOND_MS + GRACE_MS <= nowMs) this.#close(1);
  }

  /** Closes all. What is left behind the last whole second is part of it, if it is less than a half. */
  end(elapsedMs: number): void {
    this.advance(elapsedMs);
    const whole = Math.floor(elapsedMs / SECOND_MS);
    const restMs = elapsedMs - whole * SECOND_MS;
    const last = Math.max(this.#firstOpen, restMs < GRACE_MS ? whole - 1 : whole);
    while (this.#firstOpen < last) this.#close(1);
    for (let i = 1; i < OPEN_SECONDS; i++) this.#second(last).add(this.#second(last + i));
    this.#close(Math.max(elapsedMs, last * SECOND_MS + 1) / SECOND_MS - last);
  }

  #second(number: number): Second {
    return this.#open[number % OPEN_SECONDS];
  }

  #close(lengthS: number): void {
    const second = this.#second(this.#firstOpen);
    const { reads, writes } = second;
    this.#total.reset();
    this.#total.add(reads);
    this.#total.add(writes);
    const of = (series: Series) => spanSeries(series, lengthS);
    const span = { startS: this.#firstOpen, lengthS, total: of(this.#total) };
    const whole = { ...span, reads: of(reads), writes: of(writes) };
    this.#keep(whole);
    this.#onSecond(whole, reads, writes);
    second.reset();
    this.#firstOpen++;
  }

  #keep(second: Span): void {
    const last = this.#spans.at(-1);
    if (last !== undefined && second.startS % this.#secondsOfSpan !== 0) {
      this.#spans[this.#spans.length - 1] = joinSpans(last, second);
      return;
    }
    if (this.#spans.length === MAX_SPANS) {
      this.#secondsOfSpan *= 2;
      this.#spans = inPairs(this.#spans);
    }
    this.#spans.push(second);
  }
}

/** @param spans an even number of them */
function inPairs(spans: readonly Span[]): Span[] {
  return spans.flatMap((span, i) => i % 2 === 0 ? [joinSpans(span, spans[i + 1])] : []);
}
