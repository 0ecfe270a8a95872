/** What a command of RESP has at hand. */

import type { Connections } from "../connections.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Replies } from "../replies.ts";
import type { Request } from "./request.ts";

export interface Context {
  readonly keyspace: Keyspace;
  readonly connections: Connections;
  readonly request: Request;
  readonly replies: Replies;
  /** The connection's own, told by CLIENT and HELLO; no two have the same. */
  readonly id: number;
  name: string;
  isOver: boolean;
}

export interface Command {
  /** In lower case. */
  readonly name: string;
  /** Words, its name included; if negative, at least so many. */
  readonly arity: number;
  /** As COMMAND tells them. */
  readonly flags: readonly string[];
  /** Where its keys are: the first, the last (from the end, if negative) and the step; 0 if none. */
  readonly keys: readonly [first: number, last: number, step: number];
  run(context: Context): void;
}

export const NO_KEYS = [0, 0, 0] as const;
export const ONE_KEY = [1, 1, 1] as const;
export const ALL_KEYS = [1, -1, 1] as const;
export const EVERY_OTHER = [1, -1, 2] as const;
