/** What the environment says. */

import process from "node:process";
import { isAllowed } from "./permission.ts";

/** A variable; undefined where it is empty, and where Deno has not been allowed to tell it. */
export function variable(name: string): string | undefined {
  return isAllowed({ name: "env", variable: name }) ? process.env[name] || undefined : undefined;
}
