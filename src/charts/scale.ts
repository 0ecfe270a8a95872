/** Scales of charts: where a value lies between the ends of an axis, and the marks along it. */

export interface Scale {
  /** Marks in rising order, 2 or more. */
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
  /** From 0, the beginning of the axis, to 1; values beyond its ends are moved there. */
  place(value: number): number;
}

const STEPS = [1, 2, 5, 10] as const;

/** From 0 to a round number, `most` or more. @param most above 0 @param count about how many ticks */
export function linearScale(most: number, count = 5): Scale {
  const rough = most / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * (STEPS.find((each) => each * unit >= rough * 0.999) ?? 10);
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  const values = Array.from({ length: steps + 1 }, (_, i) => round(i * step));
  return {
    ticks: values.map((value) => ({ value, label: shortNumber(value) })),
    place: within((value) => value / (steps * step)),
  };
}

/** From 0 to `most` exactly, with ticks at round numbers. @param most above 0 */
export function exactScale(most: number, count = 6): Scale {
  const { ticks } = linearScale(most, count);
  return {
    ticks: ticks.filter(({ value }) => value <= most),
    place: within((value) => value / most),
  };
}

/** More decades than this have ticks at the powers of ten alone, fewer also at 2 and 5. */
const FEW_DECADES = 2.5;

/** Logarithmic, between numbers such as 1, 2 and 5 around two values. @param least above 0 */
export function logScale(least: number, most: number): Scale {
  const values = marksAround(least, most);
  const [from, to] = [Math.log(values[0]), Math.log(values[values.length - 1])];
  const isFew = to - from < FEW_DECADES * Math.LN10;
  const shown = values.filter((value) => isFew || Number.isInteger(round(Math.log10(value))));
  return {
    ticks: shown.map((value) => ({ value, label: value.toLocaleString("en-US", PRECISE) })),
    place: within((value) => (Math.log(value) - from) / (to - from)),
  };
}

const PRECISE = { maximumSignificantDigits: 12 } as const;

/** All of 1, 2 and 5 times a power of ten from `least` or below to `most` or above, two at least. */
function marksAround(least: number, most: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(least)); !(all[all.length - 1] > most); power++) {
    all.push(...[1, 2, 5].map((mark) => round(mark * 10 ** power)));
  }
  const first = all.findLastIndex((value) => value <= least);
  const last = all.findIndex((value, i) => i > first && value >= most);
  return all.slice(Math.max(0, first), last + 1);
}

/** Without the last digits, which are those of binary fractions. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

/**
 * Percentiles, logarithmic towards 100: the way from 90 to 99 is as long as that from 99 to 99.9.
 * @param nines how many nines the last one has: 3 for 99.9
 */
export function percentileScale(nines: number): Scale {
  const values = [0, 50, ...Array.from({ length: nines }, (_, i) => percentileOf(i + 1))];
  return {
    ticks: values.map((value) => ({ value, label: String(value) })),
    place: within((value) => -Math.log10(1 - value / 100) / nines),
  };
}

/** The percentile with so many nines: 2 gives 99, 2.3 gives 99.5. */
export function percentileOf(nines: number): number {
  return round(100 - 10 ** (2 - nines));
}

function within(place: (value: number) => number): (value: number) => number {
  return (value) => Math.min(1, Math.max(0, place(value)));
}

/** 1,500 as 1.5k, 2,000,000 as 2M; 0.001 as it is. */
export function shortNumber(value: number): string {
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (value >= unit) return `${Number((value / unit).toPrecision(6))}${letter}`;
  }
  return String(value);
}
