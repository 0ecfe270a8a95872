/**
 * Numbers of INCRBYFLOAT, as exact decimals: 0.1 and 0.2 are 0.3. Redis calculates with 80 bits and
 * shows 17 digits behind the point; so do we show those, but ours are right.
 */

const FORM = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,4})?$/i;
/** The places of the smallest and the greatest numbers: a double's. */
const MAX_EXPONENT = 308;
const SHOWN_PLACES = 17;
/** The longest text: a sign, the digits of the greatest number and one more, and those behind the point. */
const MAX_LENGTH = 1 + MAX_EXPONENT + 2 + 1 + SHOWN_PLACES;

/** A number, as so many units of 10 to the power of −places. */
export interface Decimal {
  readonly units: bigint;
  readonly places: number;
}

/** @returns null if the text is not a number, or one that is too great or has too many digits */
export function parseDecimal(text: string): Decimal | null {
  if (text.length > MAX_LENGTH || !FORM.test(text)) return null;
  const [mantissa, exponent = "0"] = text.toLowerCase().split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  const places = fraction.length - Number(exponent);
  if (Math.abs(places) > MAX_EXPONENT) return null;
  const digits = BigInt(`${whole.replace(/^[+-]/, "")}${fraction}` || "0");
  const units = whole.startsWith("-") ? -digits : digits;
  return places >= 0 ? { units, places } : { units: units * 10n ** BigInt(-places), places: 0 };
}

/** The sum, with at most 17 digits behind the point and no zeros at the end. */
export function sumOf(a: Decimal, b: Decimal): string {
  const places = Math.max(a.places, b.places);
  const scaled = ({ units, places: own }: Decimal) => units * 10n ** BigInt(places - own);
  return textOf(rounded({ units: scaled(a) + scaled(b), places }));
}

/** Half a unit is rounded away from 0. */
function rounded({ units, places }: Decimal): Decimal {
  if (places <= SHOWN_PLACES) return { units, places };
  const divisor = 10n ** BigInt(places - SHOWN_PLACES);
  const half = units < 0n ? -divisor / 2n : divisor / 2n;
  return { units: (units + half) / divisor, places: SHOWN_PLACES };
}

function textOf({ units, places }: Decimal): string {
  const sign = units < 0n ? "-" : "";
  const digits = String(units < 0n ? -units : units).padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, "");
  return fraction === "" ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}
