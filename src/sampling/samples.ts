/** What is known from samples of a server's requests, and the sections of STATS that tell it. */

import { Action, isRead } from "../execute/executor.ts";
import type { Line, Section } from "../section.ts";
import { HotKeys } from "./hot_keys.ts";
import { Latencies } from "./latencies.ts";

/** Bytes of a key as STATS tells it: so 16 keys fit a reply. */
const KEY_BYTES = 43;
const ELLIPSIS = "…";
const PERCENTILES = { p50_us: 0.5, p90_us: 0.9, p99_us: 0.99, p999_us: 0.999 } as const;

/** A request on one key: what it was, how long it took in the server, and for how many it stands. */
export interface Sample {
  readonly isRead: boolean;
  /** One character for each byte. */
  readonly key: string;
  readonly us: number;
  readonly weight: number;
}

/** Whether requests with this action are looked at: those on one key. */
export const isSampled = (action: Action): boolean =>
  action !== Action.SCAN && action !== Action.DROP;

export class Samples {
  readonly reads = new Latencies();
  readonly writes = new Latencies();
  readonly hotKeys = new HotKeys();
  readonly sections: ReadonlyMap<string, Section>;
  readonly #now: () => number;

  /** @param now in ms, never backwards */
  constructor(now: () => number) {
    this.#now = now;
    this.sections = new Map<string, Section>([
      ["read_latency", () => latencyLines(this.reads)],
      ["write_latency", () => latencyLines(this.writes)],
      ["hot_keys", () => this.#hotKeyLines()],
    ]);
  }

  noteKey(key: string, weight: number): void {
    this.hotKeys.note(key, weight, this.#now());
  }

  noteTime(action: Action, us: number, weight: number): void {
    (isRead(action) ? this.reads : this.writes).note(us, weight);
  }

  note({ isRead, key, us, weight }: Sample): void {
    this.noteKey(key, weight);
    (isRead ? this.reads : this.writes).note(us, weight);
  }

  #hotKeyLines(): Line[] {
    return this.hotKeys.hottest(this.#now()).map(({ key, share }, i) => [
      String(i + 1),
      `${(100 * share).toFixed(1)} ${printable(key)}`,
    ]);
  }
}

/** In JSON if it is UTF-8, otherwise in hexadecimal; the beginning of a long key ends in "…". */
function printable(key: string): string {
  const bytes = Uint8Array.from(key, (char) => char.charCodeAt(0));
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return cut(JSON.stringify(text));
  } catch {
    return cut(`0x${bytes.reduce((hex, byte) => hex + byte.toString(16).padStart(2, "0"), "")}`);
  }
}

function cut(text: string): string {
  if (bytesOf(text) <= KEY_BYTES) return text;
  let [beginning, bytes] = ["", bytesOf(ELLIPSIS)];
  for (const char of text) {
    bytes += bytesOf(char);
    if (bytes > KEY_BYTES) break;
    beginning += char;
  }
  return beginning + ELLIPSIS;
}

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

function latencyLines(latencies: Latencies): Line[] {
  const { total } = latencies;
  if (total === 0) return [["requests", 0]];
  const percentiles = Object.entries(PERCENTILES).map(([name, share]): Line => [
    name,
    Number(latencies.percentileUs(share).toPrecision(3)),
  ]);
  const sumUs = Math.round(latencies.sumUs);
  return [["requests", total], ["sum_us", sumUs], ...percentiles, ["buckets", latencies.text]];
}
