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
import { Exit } from "./command.ts";

const NO_ANSWERS = [DeadlineExceededError, OutcomeUnknownError, ServerDownError] as const;

export function exitStatusOf(error: unknown): number {
  if (error instanceof SomeFailedError) return exitStatusOf([...error.errors.values()][0]);
  if (error instanceof InvalidArgumentError || error instanceof MasterKeyError) return Exit.USAGE;
  if (NO_ANSWERS.some((each) => error instanceof each)) return Exit.NO_ANSWER;
  return error instanceof KilogramError ? Exit.REFUSED : Exit.USAGE;
}
