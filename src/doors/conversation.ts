/** What a protocol makes of the bytes of one connection. */

import type { Buffer } from "node:buffer";
import type { Replies } from "./replies.ts";

export interface Conversation {
  /** Whether there is nothing more to say: the connection ends once the replies have left. */
  readonly isOver: boolean;
  /**
   * Takes one request off the front of the bytes, carries it out and writes its reply. What is not
   * taken comes again with more behind it, and is not looked through twice.
   * @returns how many bytes it took; 0 if more must come first
   */
  take(bytes: Buffer, start: number, end: number, replies: Replies): number;
  /** Writes an error that belongs to no request. */
  writeError(message: string, replies: Replies): void;
}
