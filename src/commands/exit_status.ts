/** The exit status of an error. */

import {
  DeadlineExceededError,
  InvalidArgumentError,
  KilogramError,
  MasterKeyError,
  OutcomeUnknownError,
  ServerDownError,
  SomeFailedError,
} from "../errors.ts";
import { NoAddressError } from "../runtime/address.ts";
import { Exit } from "./command.ts";
import { UsageError } from "./usage_error.ts";

const USAGES = [UsageError, InvalidArgumentError, MasterKeyError] as const;
const NO_ANSWERS = [DeadlineExceededError, OutcomeUnknownError, ServerDownError] as const;

export function exitStatusOf(error: unknown): number {
  const isOneOf = (classes: readonly (abstract new (...args: never[]) => Error)[]) =>
    classes.some((each) => error instanceof each);
  if (error instanceof SomeFailedError) return exitStatusOf([...error.errors.values()][0]);
  if (error instanceof NoAddressError) return Exit.SYSTEM;
  if (isOneOf(USAGES)) return Exit.USAGE;
  if (isOneOf(NO_ANSWERS)) return Exit.NO_ANSWER;
  return error instanceof KilogramError ? Exit.REFUSED : Exit.SYSTEM;
}
