/** An error in JSON. */

import { KilogramError } from "../errors.ts";
import { Exit } from "./command.ts";
import { exitStatusOf } from "./exit_status.ts";

export interface ErrorFields {
  /** That of the library's error; otherwise USAGE or SYSTEM. */
  readonly code: string;
  readonly message: string;
  /** What is known of a change: none, done or unknown. */
  readonly effect?: string;
}

/** As printed: `{"code":"DEADLINE_EXCEEDED","message":"…","effect":"unknown"}`. */
export function errorFields(error: unknown): ErrorFields {
  const message = error instanceof Error ? error.message : String(error);
  const status = exitStatusOf(error);
  if (error instanceof KilogramError && status !== Exit.SYSTEM) {
    return { code: error.code, message, effect: error.effect };
  }
  return { code: status === Exit.USAGE ? "USAGE" : "SYSTEM", message };
}
