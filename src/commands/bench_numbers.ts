/** Numbers as `kg bench` prints them. */

/** 12,345 */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Milliseconds without their unit: 0.123, 12.3, 1,234; a dash for none. */
export function bareMs(ms: number | null): string {
  if (ms === null) return "-";
  if (ms < 10) return ms.toFixed(3);
  return ms < 1_000 ? ms.toFixed(1) : whole(ms);
}

/** 0.123 ms */
export function milliseconds(ms: number | null): string {
  return ms === null ? "-" : `${bareMs(ms)} ms`;
}

/** 12.3 % */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, "")} %`;
}

/** p99.9, or max for 100. */
export function percentileName(percentile: number): string {
  return percentile === 100 ? "max" : `p${percentile}`;
}
