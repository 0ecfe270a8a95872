/**
 * Every connection through the doors for text, and what they may cost together. When there are too
 * many, the connection answered longest ago is cut off, after those that were never answered. When
 * they hold too much memory, the connection that has held some for longest is cut off. So a client
 * that asks and takes its answers is served, whatever others do.
 */

import { assert } from "../assert.ts";
import type { Line } from "../section.ts";
import type { Accept } from "../stream.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import type { Conversation } from "./conversation.ts";
import type { Keyspace } from "./keyspace.ts";
import { Replies } from "./replies.ts";

/** Most bytes that all connections hold for unfinished requests and untaken replies. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** When replies that wait for the disk exceed this share of it, no request is begun. */
const CROWDED_SHARE = 1 / 2;
/** How long a connection may take to finish a request, to take its replies, or to close. */
export const MAX_HOLD_MS = 30_000;

/** Ranks connections that were never answered before all others. */
const NEVER_ANSWERED = 2 ** 52;

export interface ConnectionsOptions {
  readonly maxConnections: number;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  readonly maxHeldBytes?: number;
  readonly keyspace: Keyspace;
  /** Runs a function once after a delay in ms. */
  readonly later?: (run: () => void, ms: number) => void;
  /** Called with an exception in a connection, which is a bug here. The connection is cut off. */
  readonly onFault?: (error: unknown) => void;
}

export class Connections implements ConnectionHost {
  /** Where replies are written, whichever connection has its turn. */
  readonly replies = new Replies();
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  /** Counts everything that is ordered: connections, and the turns that answered them. */
  #count = 0;
  #accepted = 0;
  #cutOff = 0;
  #heldBytes = 0;
  #unsettledBytes = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get keyspace(): Keyspace {
    return this.#options.keyspace;
  }

  /** Most connections at a time. */
  get most(): number {
    return this.#options.maxConnections;
  }

  get count(): number {
    return this.#all.size;
  }

  /** Connections since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that all connections hold, at most MAX_HELD_BYTES. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The lines of STATS about connections. */
  lines(): Line[] {
    return [
      ["open", this.#all.size],
      ["accepted", this.#accepted],
      ["cut_off", this.#cutOff],
      ["held_bytes", this.#heldBytes],
    ];
  }

  /** Accepts the connections of a door, with a conversation for each. */
  door(converse: (address: string) => Conversation): Accept {
    return (socket) => {
      this.#accepted++;
      if (this.#all.size === this.#options.maxConnections) {
        this.#cut(least(this.#all, (each) => each.lastAnswer), "max number of clients reached");
      }
      const connection = new Connection(converse(socket.address), socket, this);
      connection.lastAnswer = ++this.#count - NEVER_ANSWERED;
      this.#all.add(connection);
      return connection;
    };
  }

  noteAnswer(connection: Connection): void {
    connection.lastAnswer = ++this.#count;
  }

  later(run: () => void, ms: number): void {
    const { later = setTimeout } = this.#options;
    later(run, ms);
  }

  now(): number {
    return this.#options.now();
  }

  /** Records how much a connection holds now. */
  hold(connection: Connection, bytes: number, unsettledBytes: number): void {
    this.#heldBytes += bytes - connection.heldBytes;
    connection.heldBytes = bytes;
    this.#unsettledBytes += unsettledBytes - connection.unsettledBytes;
    connection.unsettledBytes = unsettledBytes;
    while (this.#heldBytes > this.#maxHeldBytes) {
      const holders = [...this.#all].filter(({ heldBytes }) => heldBytes > 0);
      this.#cut(least(holders, (each) => each.heldSinceMs), "too many unfinished requests");
    }
  }

  get isCrowded(): boolean {
    return this.#unsettledBytes > this.#maxHeldBytes * CROWDED_SHARE;
  }

  get #maxHeldBytes(): number {
    return this.#options.maxHeldBytes ?? MAX_HELD_BYTES;
  }

  noteFault(error: unknown): void {
    this.#cutOff++;
    this.#options.onFault?.(error);
  }

  /** Cuts off connections that have made no progress for too long. Call this periodically. */
  sweep(): void {
    const since = this.now() - MAX_HOLD_MS;
    for (const connection of this.#all) {
      if (connection.isAwaited && connection.heldSinceMs < since) this.#cut(connection, "timeout");
    }
  }

  closeAll(): void {
    for (const connection of this.#all) {
      this.remove(connection);
      connection.cutOff();
    }
  }

  remove(connection: Connection): void {
    this.#all.delete(connection);
  }

  #cut(connection: Connection, message: string): void {
    this.#cutOff++;
    this.remove(connection);
    connection.cutOff(message);
  }
}

/** The first connection with the least rank. */
function least(all: Iterable<Connection>, rankOf: (connection: Connection) => number): Connection {
  let least: Connection | null = null;
  for (const each of all) if (least === null || rankOf(each) < rankOf(least)) least = each;
  assert(least !== null, "there is one to cut off");
  return least;
}
