/** Calls for several keys: what each gave, and the lines that tell of it. */

import { SomeFailedError } from "../errors.ts";
import { Exit } from "./command.ts";
import { exitStatusOf } from "./exit_status.ts";
import { errorFields } from "./json_error.ts";
import { keyFields } from "./key_arguments.ts";
import { complain, printJson } from "./output.ts";

export interface ByKey<T> {
  readonly results: ReadonlyMap<Uint8Array, T>;
  readonly errors: ReadonlyMap<Uint8Array, Error>;
}

/** The results of those that succeeded, and the errors of the others. */
export async function byKey<T>(calls: Promise<Map<Uint8Array, T>>): Promise<ByKey<T>> {
  try {
    return { results: await calls, errors: new Map() };
  } catch (error) {
    if (!(error instanceof SomeFailedError)) throw error;
    return error as SomeFailedError<Uint8Array, T>;
  }
}

/**
 * Tells of each key in turn.
 * @param keys by what was typed
 * @param command the name of the command, for errors
 * @param tell prints a line for a key that has no error, and tells whether it was there
 * @returns the exit status
 */
export function tellEach(
  keys: ReadonlyMap<string, Uint8Array>,
  errors: ReadonlyMap<Uint8Array, Error>,
  { command, isJson }: { command: string; isJson: boolean },
  tell: (typed: string, key: Uint8Array) => boolean,
): number {
  let isAllThere = true;
  for (const [typed, key] of keys) {
    const error = errors.get(key);
    if (error === undefined) isAllThere = tell(typed, key) && isAllThere;
    else {
      if (isJson) printJson({ ...keyFields(key), error: errorFields(error) });
      complain(`kg ${command}: "${typed}": ${error.message}`);
    }
  }
  for (const error of errors.values()) return exitStatusOf(error);
  return isAllThere ? Exit.DONE : Exit.NOT_FOUND;
}
