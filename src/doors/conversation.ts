/** How a protocol handles the bytes of one connection. */

import type { Buffer } from "node:buffer";
import type { Replies } from "./replies.ts";

export interface Conversation {
  /** Whether the conversation is over: the connection ends once the replies have left. */
  readonly isOver: boolean;
  /** How long the sender must not be heard because of the last request, in ms. */
  readonly penaltyMs: number;
  /**
   * Takes one request off the front of the bytes, carries it out and writes its reply. Bytes that
   * were not taken come again with more behind them, and are not scanned twice.
   * @returns how many bytes it took; 0 if more must come first
   */
  take(bytes: Buffer, start: number, end: number): number;
  /** Carries out again a whole request that was taken before, and writes its reply. */
  again(request: Buffer): void;
  /**
   * What has arrived was answered, as far as that is possible for now.
   * @returns bytes of memory held until the next request
   */
  rest(nowMs: number): number;
  /** The connection is gone. */
  ended(): void;
  /** Writes an error that belongs to no request. */
  writeError(message: string, replies: Replies): void;
}
