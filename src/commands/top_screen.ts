/** What `kg top` shows of a server, as lines of text: pure, so that a test can look at it. */

import type { Figures, Snapshot } from "../figures/snapshot.ts";
import { answeredByReaders, numberIn } from "../figures/snapshot.ts";
import {
  spelledBytes,
  spelledMs,
  spelledNumber,
  spelledShare,
  spelledUs,
} from "../figures/spelled.ts";
import { cut } from "./cut.ts";
import { escapeControls } from "./output.ts";

/** A server at a moment, and what it did since the moment before. */
export interface Look {
  /** The name, or the address. */
  readonly server: string;
  readonly before: Snapshot;
  readonly now: Snapshot;
  readonly figures: Figures;
  /** Operations a second at the last moments, this one included. */
  readonly history: readonly number[];
}

const BARS = "▁▂▃▄▅▆▇█";
const LABEL = 12;

/** @param width at least 20 @param height at least 5 */
export function screenOf(look: Look, width: number, height: number): string[] {
  const lines = [...headLines(look, width), ...figureLines(look, width), ...partLines(look)];
  const room = height - lines.length - 1;
  const hot = hotKeyLines(look);
  if (hot.length > 0 && room > 1) lines.push("", ...hot.slice(0, room));
  return lines.slice(0, height).map((line) => cut(line, width));
}

/** Bars of the last values, the highest as high as possible. */
export function sparkline(values: readonly number[], most: number): string {
  const last = values.slice(Math.max(0, values.length - Math.max(0, most)));
  const top = Math.max(...last, 1);
  return last.map((value) => BARS[Math.round(value / top * (BARS.length - 1))]).join("");
}

function headLines({ server, now }: Look, width: number): string[] {
  const { version, runtime, aead } = now.sections.get("server") ?? {};
  const upMs = numberIn(now, "server", "uptime_ms");
  const all = `${server}, up ${spelledMs(upMs)}, kg ${version} on ${runtime}, ${aead}`;
  return [all.length <= width ? all : `${server}, up ${spelledMs(upMs)}`, ""];
}

function figureLines({ figures, history }: Look, width: number): string[] {
  const rate = `${spelledNumber(figures.operationsPerSecond)}/s`.padStart(11);
  const { reads, writes, usedBytes, limitBytes } = figures;
  const hits = Number.isNaN(figures.hitRatio) ? "" : `  hits ${spelledShare(figures.hitRatio)}`;
  const used = limitBytes > 0
    ? `${spelledBytes(usedBytes)} of ${spelledBytes(limitBytes)} (${
      spelledShare(usedBytes / limitBytes)
    })`
    : "elsewhere";
  const lines = [
    labelled("operations", `${rate}  ${sparkline(history, width - LABEL - rate.length - 2)}`),
    labelled("reads", `${perSecond(figures.readsPerSecond)}  ${latency(reads)}${hits}`),
    labelled("writes", `${perSecond(figures.writesPerSecond)}  ${latency(writes)}`),
  ];
  if (figures.doorsPerSecond > 0) {
    lines.push(labelled("by doors", `${perSecond(figures.doorsPerSecond)}  reads and writes`));
  }
  return [
    ...lines,
    labelled("keys", `${spelledNumber(figures.keys).padStart(11)}  ${used}`),
    labelled("removed", removed(figures)),
    labelled("trouble", trouble(figures)),
    labelled(
      "process",
      `${spelledBytes(figures.residentBytes).padStart(11)}  processors in use: ${
        spelledNumber(figures.processors)
      }`,
    ),
  ];
}

const labelled = (label: string, text: string) => `${label.padEnd(LABEL)}${text}`;
const perSecond = (rate: number) => `${spelledNumber(rate)}/s`.padStart(11);

function latency({ p50Us, p99Us }: Figures["reads"]): string {
  if (Number.isNaN(p50Us)) return "p50       –  p99       –";
  return `p50 ${spelledUs(p50Us).padStart(7)}  p99 ${spelledUs(p99Us).padStart(7)}`;
}

function removed({ evictionsPerSecond, expirationsPerSecond }: Figures): string {
  return `${perSecond(evictionsPerSecond)} evicted, ${
    spelledNumber(expirationsPerSecond)
  }/s expired`;
}

function trouble({ errorsPerSecond, dropsPerSecond }: Figures): string {
  return `${perSecond(errorsPerSecond)} errors, ${spelledNumber(dropsPerSecond)}/s dropped`;
}

/** Lines of what only some servers have. */
function partLines({ before, now, figures: { seconds } }: Look): string[] {
  const lines: string[] = [];
  const { sections } = now;
  const grown = (section: string, name: string) =>
    Math.max(0, numberIn(now, section, name) - numberIn(before, section, name)) / seconds;
  const connections = sections.get("connections");
  if (connections !== undefined) {
    lines.push(
      labelled(
        "connections",
        `${spelledNumber(Number(connections.open)).padStart(11)}  ${
          spelledNumber(grown("connections", "accepted"))
        }/s new, ${spelledNumber(grown("connections", "cut_off"))}/s cut off`,
      ),
    );
  }
  const journal = sections.get("journal");
  if (journal !== undefined) {
    const problem = journal.problem === "none" ? "" : `; problem: ${journal.problem}`;
    lines.push(
      labelled(
        "journal",
        `${perSecond(grown("journal", "commits"))} commits, waiting: ${
          spelledBytes(Number(journal.backlog_bytes))
        }${problem}`,
      ),
    );
  }
  const backend = sections.get("backend");
  if (backend !== undefined) {
    lines.push(
      labelled(
        "backend",
        `${spelledNumber(Number(backend.under_way)).padStart(11)}  under way; outage: ${
          escapeControls(String(backend.outage))
        }`,
      ),
    );
  }
  const threads = threadRates(before, now, seconds);
  if (threads !== "") lines.push(labelled("readers", threads));
  return lines;
}

/** What each reader answered a second. */
function threadRates(before: Snapshot, now: Snapshot, seconds: number): string {
  const earlier = answeredByReaders(before);
  const rates = [...answeredByReaders(now)].map(([reader, answered]) => {
    const more = answered - (earlier.get(reader) ?? Number.NaN);
    return `${spelledNumber(Math.max(0, more) / seconds)}/s`;
  });
  if (rates.length === 0) return "";
  // A lone reader rests where the server's thread alone is faster (readers/balance.ts).
  if (rates.length === 1 && rates[0] === "0/s") return "at rest".padStart(11);
  return rates.map((rate) => rate.padStart(11)).join("");
}

function hotKeyLines({ now }: Look): string[] {
  const keys = Object.values(now.sections.get("hot_keys") ?? {}).map(String);
  if (keys.length === 0) return [];
  const rows = keys.map((text) => {
    const [share, ...key] = text.split(" ");
    return `${`${share} %`.padStart(LABEL + 11)}  ${escapeControls(key.join(" "))}`;
  });
  return ["hot keys, by their share of the requests of the last minute", ...rows];
}
