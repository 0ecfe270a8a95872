/**
 * Every connection through the doors for text, and what they may cost together. Where there are too
 * many, the one goes that was answered longest ago, and before it those that never asked anything;
 * where they hold too much memory, the one that has held some for longest. So a client that asks and
 * takes its answers is served, whatever others do.
 */

import { assert } from "../assert.ts";
import type { JournaledStore } from "../journal/journaled_store.ts";
import { Connection } from "./connection.ts";
import type { Conversation } from "./conversation.ts";
import type { Line } from "../statistics.ts";
import { Replies } from "./replies.ts";
import type { Accept } from "./stream.ts";

/** Most bytes that all of them hold of unfinished requests and of replies that were not taken. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** How long a connection may take to finish a request, to take its replies, or to close. */
export const MAX_HOLD_MS = 30_000;

/** Ranks who was never answered before all others. */
const NEVER_ANSWERED = 2 ** 52;

export interface ConnectionsOptions {
  readonly maxConnections: number;
  /** Milliseconds, never backwards. */
  readonly now: () => number;
  readonly maxHeldBytes?: number;
  /** The store, if what changes there becomes durable, so that replies may have to wait for that. */
  readonly journaled?: JournaledStore | null;
}

export class Connections {
  /** Where replies are written, whosever turn it is. */
  readonly replies = new Replies();
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  /** Of everything that is put in order: connections, and turns in which they were answered. */
  #count = 0;
  #accepted = 0;
  #cutOff = 0;
  #heldBytes = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get journaled(): JournaledStore | null {
    return this.#options.journaled ?? null;
  }

  get count(): number {
    return this.#all.size;
  }

  /** Connections since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** What all of them hold, at most MAX_HELD_BYTES. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What STATS tells of them. */
  lines(): Line[] {
    return [
      ["open", this.#all.size],
      ["accepted", this.#accepted],
      ["cut_off", this.#cutOff],
      ["held_bytes", this.#heldBytes],
    ];
  }

  /** The way in of a door, with a conversation for each connection. */
  door(converse: () => Conversation): Accept {
    return (socket) => {
      this.#accepted++;
      if (this.#all.size === this.#options.maxConnections) {
        this.#cut(this.#least((each) => each.lastAnswer), "max number of clients reached");
      }
      const connection = new Connection(converse(), socket, this);
      connection.lastAnswer = ++this.#count - NEVER_ANSWERED;
      this.#all.add(connection);
      return connection;
    };
  }

  noteAnswer(connection: Connection): void {
    connection.lastAnswer = ++this.#count;
  }

  now(): number {
    return this.#options.now();
  }

  /** Says how much a connection holds now. */
  hold(connection: Connection, bytes: number): void {
    this.#heldBytes += bytes - connection.heldBytes;
    connection.heldBytes = bytes;
    while (this.#heldBytes > (this.#options.maxHeldBytes ?? MAX_HELD_BYTES)) {
      this.#cut(this.#least(holdingSince), "too many unfinished requests");
    }
  }

  /** Cuts off whoever has held something for too long. To be called now and then. */
  sweep(): void {
    const since = this.now() - MAX_HOLD_MS;
    for (const connection of this.#all) {
      if (connection.heldSinceMs < since) this.#cut(connection, "timeout");
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

  #least(rankOf: (connection: Connection) => number): Connection {
    let least: Connection | null = null;
    for (const each of this.#all) {
      if (least === null || rankOf(each) < rankOf(least)) least = each;
    }
    assert(least !== null, "there is one to cut off");
    return least;
  }
}

/** Those that hold nothing are not the ones to go. */
function holdingSince({ heldBytes, heldSinceMs }: Connection): number {
  return heldBytes > 0 ? heldSinceMs : Number.POSITIVE_INFINITY;
}
