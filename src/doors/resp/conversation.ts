/** RESP on one connection: a request, and its reply. */

import type { Buffer } from "node:buffer";
import type { Connections } from "../connections.ts";
import type { Conversation } from "../conversation.ts";
import type { Keyspace } from "../keyspace.ts";
import { carryOut } from "../pass.ts";
import type { Replies } from "../replies.ts";
import { Client } from "./client.ts";
import { perform } from "./commands.ts";
import type { Context } from "./context.ts";
import type { RespDoor } from "./door.ts";
import { error } from "./forms.ts";
import { ProtocolViolation, Request } from "./request.ts";

/** How long a connection that gave a wrong password is not heard. */
const PENALTY_MS = 250;

export class RespConversation implements Conversation {
  readonly #context: Context;

  /** @param address where the client comes from, for display */
  constructor(keyspace: Keyspace, connections: Connections, door: RespDoor, address: string) {
    const { replies, accepted: id } = connections;
    const client = new Client(id, address, connections.now(), door.password === null);
    door.clients.add(client);
    this.#context = {
      ...{ keyspace, connections, door, client, replies },
      ...{ request: new Request(), isOver: false, isPenalized: false },
    };
  }

  get isOver(): boolean {
    return this.#context.isOver;
  }

  /** What waits for EXEC, what is watched, and where the words of an unfinished request are. */
  rest(nowMs: number): number {
    const { client, door, request } = this.#context;
    client.lastAtMs = nowMs;
    const queueBytes = client.transaction?.heldBytes ?? 0;
    return queueBytes + door.watches.bytesOf(client) + request.heldBytes;
  }

  get penaltyMs(): number {
    return this.#context.isPenalized ? PENALTY_MS : 0;
  }

  take(bytes: Buffer, start: number, end: number): number {
    const { request, keyspace, client } = this.#context;
    try {
      const length = request.read(bytes, start, end, client.isTrusted);
      if (length > 0 && request.count > 0) {
        keyspace.counters.resp++;
        this.#context.isPenalized = false;
        this.#perform();
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

  #perform(): void {
    const { replies } = this.#context;
    carryOut(() => perform(this.#context), replies, (...args) => this.writeError(...args));
  }

  again(bytes: Buffer): void {
    const { request: current } = this.#context;
    const request = new Request();
    request.read(bytes, 0, bytes.length);
    this.#context.request = request;
    try {
      this.#perform();
    } finally {
      this.#context.request = current;
    }
  }

  writeError(message: string, replies: Replies): void {
    error(replies, `ERR ${message}`);
  }

  ended(): void {
    const { client, door } = this.#context;
    client.transaction = null;
    door.watches.unwatch(client);
    door.clients.delete(client);
  }
}
