/** One command to an engine, from its beginning to its reply or its failure. */

import type { Buffer } from "node:buffer";
import type { Reply } from "./replies.ts";

/** The slot of a command about a node, or about nothing but its connection. */
export const OF_NODE = -1;
export const OF_CONNECTION = -2;

export interface RequestEvents {
  readonly onReply: (reply: Reply) => void;
  /** @param isUnknown whether it may have been carried out, or may yet be */
  readonly onFailure: (problem: string, isUnknown: boolean) => void;
}

export class EngineRequest {
  readonly bytes: Buffer;
  /** The slot of its key, or OF_NODE, or OF_CONNECTION. */
  readonly slot: number;
  /** Whether it changes nothing, so that it may be sent again. */
  readonly isRead: boolean;
  /** Until when it may be sent for the first time, or again. */
  readonly deadlineAtMs: number;
  /** Its place among all requests of its engine. */
  readonly order: number;
  /** How often it was sent elsewhere, or again. */
  attempts = 0;
  /** Whether ASKING goes before it. */
  isAsking = false;
  writtenAtMs = Number.NaN;
  /** The address of the node that it was sent to the last time. */
  sentTo = "";
  readonly #events: RequestEvents;

  constructor(
    bytes: Buffer,
    { slot, isRead, deadlineAtMs, order = 0 }:
      & Pick<EngineRequest, "slot" | "isRead" | "deadlineAtMs">
      & Partial<Pick<EngineRequest, "order">>,
    events: RequestEvents,
  ) {
    this.bytes = bytes;
    this.slot = slot;
    this.isRead = isRead;
    this.deadlineAtMs = deadlineAtMs;
    this.order = order;
    this.#events = events;
  }

  reply(reply: Reply): void {
    this.#events.onReply(reply);
  }

  fail(problem: string, isUnknown: boolean): void {
    this.#events.onFailure(problem, isUnknown && !this.isRead);
  }
}
