/** RESP on one connection: a request, and its reply. */

import type { Buffer } from "node:buffer";
import type { Connections } from "../connections.ts";
import type { Conversation } from "../conversation.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Replies } from "../replies.ts";
import { perform } from "./commands.ts";
import type { Context } from "./context.ts";
import { error } from "./forms.ts";
import { ProtocolViolation, Request } from "./request.ts";

export class RespConversation implements Conversation {
  readonly #context: Context;

  constructor(keyspace: Keyspace, connections: Connections) {
    const { replies, accepted: id } = connections;
    const request = new Request();
    this.#context = { keyspace, connections, request, replies, id, name: "", isOver: false };
  }

  get isOver(): boolean {
    return this.#context.isOver;
  }

  take(bytes: Buffer, start: number, end: number): number {
    const { request, keyspace } = this.#context;
    try {
      const length = request.read(bytes, start, end);
      if (length > 0 && request.count > 0) {
        keyspace.counters.resp++;
        perform(this.#context);
      }
      request.release();
      return length;
    } catch (violation) {
      if (!(violation instanceof ProtocolViolation)) throw violation;
      this.writeError(`Protocol error: ${violation.message}`, this.#context.replies);
      this.#context.isOver = true;
      return end - start;
    }
  }

  writeError(message: string, replies: Replies): void {
    error(replies, `ERR ${message}`);
  }
}
