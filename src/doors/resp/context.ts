/** What a RESP command works with. */

import type { Connections } from "../connections.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Replies } from "../replies.ts";
import type { Client } from "./client.ts";
import type { RespDoor } from "./door.ts";
import type { Request } from "./request.ts";

export interface Context {
  readonly keyspace: Keyspace;
  readonly connections: Connections;
  readonly door: RespDoor;
  readonly client: Client;
  /** The request at hand; within EXEC, the one that was queued. */
  request: Request;
  readonly replies: Replies;
  isOver: boolean;
  /** Whether the sender must wait before it is heard again, since it gave a wrong password. */
  isPenalized: boolean;
}

export interface Command {
  /** In lower case. */
  readonly name: string;
  /** The number of words, the name included; if negative, the minimum. */
  readonly arity: number;
  /** As COMMAND reports them. */
  readonly flags: readonly string[];
  /** Where the keys are: first, last (from the end, if negative) and step; 0 if there are none. */
  readonly keys: readonly [first: number, last: number, step: number];
  /** What its second word may be, if that chooses what it does. */
  readonly subcommands?: ReadonlyMap<string, Subcommand>;
  /** How many usual commands take as long, at most; 1 if it is not given. */
  readonly weight?: number;
  /** Whether it is carried out at once within MULTI, instead of being queued. */
  readonly isImmediate?: boolean;
  /** Whether it is carried out before the password was given. */
  readonly isOpen?: boolean;
  run(context: Context): void;
}

/** One of the things that a command does. */
export interface Subcommand {
  /** The number of words, both names included; if negative, the minimum. */
  readonly arity: number;
  run(context: Context): void;
}

export const NO_KEYS = [0, 0, 0] as const;
export const ONE_KEY = [1, 1, 1] as const;
export const TWO_KEYS = [1, 2, 1] as const;
export const ALL_KEYS = [1, -1, 1] as const;
export const EVERY_OTHER = [1, -1, 2] as const;
