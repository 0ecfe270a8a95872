/** What the environment says. */

import process from "node:process";

/** A variable; undefined where it is empty, and where Deno has not been allowed to tell it. */
export function variable(name: string): string | undefined {
  try {
    return process.env[name] || undefined;
  } catch {
    return undefined;
  }
}
