/** Times and sizes as people write them: 30s, 1h30m, 256MiB. */

import { UsageError } from "./usage_error.ts";

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
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

/** Parts from the largest unit to the smallest, each at most once. */
const DURATION = /^(?:[\d.]+w)?(?:[\d.]+d)?(?:[\d.]+h)?(?:[\d.]+m)?(?:[\d.]+s)?(?:[\d.]+ms)?$/;
const QUANTITY = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/;
const NUMBER = /^\d+(?:\.\d+)?$/;

/** Milliseconds, a whole number above 0. */
export function parseDuration(option: string, text: string): number {
  const parts = DURATION.test(text) ? text.match(/[\d.]+[a-z]+/g) ?? [] : [];
  const ms = Math.round(parts.reduce((sum, part) => sum + parse(part, MILLISECONDS), 0));
  if (ms > Number.MAX_SAFE_INTEGER) throw new UsageError(`${option} ${text} is too long`);
  if (ms >= 1) return ms;
  throw new UsageError(`${option} ${text} is not a time: write 500ms, 30s, 1h30m, 7d or 2w`);
}

const SHOWN_UNITS = ["d", "h", "m", "s", "ms"] as const;

/**
 * A time in the largest unit of which it has one: 3d, 20m.
 * @param most how many units it may have: 3d4h for two
 */
export function formatDuration(ms: number, most = 1): string {
  const first = SHOWN_UNITS.findIndex((unit) => ms >= MILLISECONDS[unit]);
  let restMs = ms;
  let text = "";
  for (const unit of first < 0 ? ["ms"] : SHOWN_UNITS.slice(first, first + most)) {
    const count = Math.floor(restMs / MILLISECONDS[unit]);
    restMs -= count * MILLISECONDS[unit];
    if (count > 0 || text === "") text += `${count}${unit}`;
  }
  return text;
}

/** «1 key», «2 keys». */
export function formatKeys(count: number): string {
  return count === 1 ? "1 key" : `${count} keys`;
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
