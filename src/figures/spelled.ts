/** Numbers as people read them. */

import type { Unit } from "./glossary.ts";

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Three digits or so: 1.23, 12.3, 123, 12,345. */
export function spelledNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value < 10 ? 2 : 1).replace(/\.?0+$/, "");
}

export function spelledBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "–";
  const power = bytes < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3))} ${BYTES[power]}`;
}

/** A time in µs: 181 µs, 2.05 ms, 1.5 s. */
export function spelledUs(us: number): string {
  if (!Number.isFinite(us)) return "–";
  if (us < 1_000) return `${Number(us.toPrecision(3))} µs`;
  if (us < 1_000_000) return `${Number((us / 1_000).toPrecision(3))} ms`;
  return `${Number((us / 1_000_000).toPrecision(3))} s`;
}

/** A time in its two largest units: 3d 4h, 2m 5s, 12 s, 250 ms. */
export function spelledMs(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < MINUTE_MS) return spelledUs(ms * 1_000);
  const [days, hours] = [Math.floor(ms / DAY_MS), Math.floor(ms % DAY_MS / HOUR_MS)];
  const [minutes, seconds] = [
    Math.floor(ms % HOUR_MS / MINUTE_MS),
    Math.floor(ms % MINUTE_MS / 1_000),
  ];
  if (days > 0) return `${days}d ${hours}h`;
  return hours > 0 ? `${hours}h ${minutes}m` : `${minutes}m ${seconds}s`;
}

export function spelledShare(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–";
}

export function spelled(value: number, unit: Unit): string {
  if (unit === "bytes") return spelledBytes(value);
  if (unit === "ms") return spelledMs(value);
  if (unit === "us") return spelledUs(value);
  return spelledNumber(value);
}
