/** Times and sizes as people write them: 30s, 256MiB. */

import { UsageError } from "./usage_error.ts";

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const QUANTITY = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/;
const NUMBER = /^\d+(?:\.\d+)?$/;

/** Milliseconds, a whole number above 0. */
export function parseDuration(option: string, text: string): number {
  const ms = Math.round(parse(text, MILLISECONDS));
  if (ms > Number.MAX_SAFE_INTEGER) throw new UsageError(`${option} ${text} is too long`);
  if (ms >= 1) return ms;
  throw new UsageError(`${option} ${text} is not a time: write 500ms, 30s, 5m, 2h or 7d`);
}

/** A time in the largest unit of which it has one: 3d, 20m. */
export function formatDuration(ms: number): string {
  const unit = (["d", "h", "m", "s"] as const).find((name) => ms >= MILLISECONDS[name]) ?? "ms";
  return `${Math.floor(ms / MILLISECONDS[unit])}${unit}`;
}

/** Bytes, a whole number of at least `least` and at most `most`. */
export function parseSize(option: string, text: string, least: number, most: number): number {
  const bytes = Math.round(parse(text, BYTES));
  if (Number.isNaN(bytes)) {
    throw new UsageError(`${option} ${text} is not a size: write 64MiB, 256MB or 1GiB`);
  }
  if (bytes > most) {
    throw new UsageError(`${option} ${text} is too large: at most ${formatSize(most)}`);
  }
  if (bytes >= least) return bytes;
  throw new UsageError(`${option} ${text} is too small: at least ${formatSize(least)}`);
}

function parse(text: string, units: Readonly<Record<string, number>>): number {
  const match = QUANTITY.exec(text);
  if (match === null || units[match[2]] === undefined) return Number.NaN;
  return Number(match[1]) * units[match[2]];
}

/** A size in the largest unit in which it is at least 1: 256 MiB. */
export function formatSize(bytes: number): string {
  const unit = (["GiB", "MiB", "KiB"] as const).find((name) => bytes >= BYTES[name]) ?? "B";
  return `${Number((bytes / BYTES[unit]).toFixed(1))} ${unit}`;
}

/** A whole number of at least `least` and at most `most`. */
export function parseCount(option: string, text: string, least: number, most: number): number {
  const count = parseNumber(option, text, least, most);
  if (Number.isInteger(count)) return count;
  throw new UsageError(`${option} ${text} is not a whole number`);
}

/** A decimal number of at least `least` and at most `most`. */
export function parseNumber(option: string, text: string, least: number, most: number): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = `${least.toLocaleString("en-US")} to ${most.toLocaleString("en-US")}`;
  throw new UsageError(`${option} ${text} is not a number of ${range}`);
}
