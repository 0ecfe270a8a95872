/** Reasons for refusing a request, as worded by the encrypted wire and the line protocol. */

import { Result } from "./store/store.ts";

export const BAD_DELTA = "the delta is not a decimal number of signed 64 bits";

export const REFUSALS = {
  [Result.FULL]: "the store is full",
  [Result.NOT_A_NUMBER]: "the value is not a decimal number of signed 64 bits",
  [Result.OVERFLOW]: "the sum does not fit signed 64 bits",
} as const;

/** For a change that could not be made durable. */
export function takenBack(problem: string): string {
  return `taken back, since it could not be made durable: ${problem}`;
}
