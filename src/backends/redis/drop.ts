/**
 * A DROP at an engine: walks over all primaries and unlinks what it finds, so it takes time, and is no single
 * step: its answer comes at the end. The empty prefix is one command at each.
 */

import type { Buffer } from "node:buffer";
import { Result } from "../../store/store.ts";
import { outcome } from "../fills.ts";
import { type Done, type Fill, unavailable, unknown } from "../later_executor.ts";
import { encode } from "./commands.ts";
import type { Engine } from "./engine.ts";
import type { EngineNode } from "./node.ts";
import { EngineError, type Reply } from "./replies.ts";
import { pageOf, scanCommand } from "./scan.ts";
import { slotOf } from "./slots.ts";

/** A drop under way: whether something may be removed by now. */
interface Drop {
  hasBegun: boolean;
}

export class EngineDrop {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @param prefix bytes of its own */
  begin(prefix: Uint8Array, done: Done): void {
    void this.#dropAll(prefix).then(done);
  }

  async #dropAll(prefix: Uint8Array): Promise<Fill> {
    const { primaries } = this.#engine;
    if (primaries.length === 0) return unavailable(this.#engine.outage ?? "the engine has no node");
    const drop: Drop = { hasBegun: false };
    // It is answered when none of them goes on.
    const ended = await Promise.allSettled(
      primaries.map((node) =>
        prefix.length === 0 ? this.#flush(node, drop) : this.#walk(node, prefix, drop)
      ),
    );
    const failure = ended.find((each) => each.status === "rejected");
    if (failure === undefined) return outcome(Result.DONE);
    const { message } = failure.reason as Error;
    return drop.hasBegun ? unknown(message) : unavailable(message);
  }

  async #flush(node: EngineNode, drop: Drop): Promise<void> {
    await this.#askNode(node, encode(["FLUSHDB", "ASYNC"]), false, drop);
    drop.hasBegun = true;
  }

  async #walk(node: EngineNode, prefix: Uint8Array, drop: Drop): Promise<void> {
    for (let cursor = "0";;) {
      const page = await this.#askNode(node, scanCommand(cursor, prefix), true, drop);
      const { next, keys } = pageOf(page);
      cursor = next;
      if (keys.length > 0) drop.hasBegun = true;
      await Promise.all(keys.map((key) => this.#unlink(key)));
      if (cursor === "0") return;
    }
  }

  #unlink(key: Uint8Array): Promise<Reply> {
    const command = encode(["UNLINK", { span: { bytes: key, start: 0, length: key.length } }]);
    // To remove it twice does no harm, so it may be sent again.
    return new Promise((settle, fail) => {
      this.#engine.send(command, slotOf(key, 0, key.length), true, {
        onReply: (reply) => settleOr(reply, settle, fail),
        onFailure: (problem) => fail(new Error(problem)),
      });
    });
  }

  #askNode(node: EngineNode, command: Buffer, isRead: boolean, drop: Drop): Promise<Reply> {
    return new Promise((settle, fail) => {
      this.#engine.sendTo(node, command, isRead, {
        onReply: (reply) => settleOr(reply, settle, fail),
        onFailure: (problem, isUnknown) => {
          drop.hasBegun ||= isUnknown;
          fail(new Error(problem));
        },
      });
    });
  }
}

function settleOr(
  reply: Reply,
  settle: (reply: Reply) => void,
  fail: (error: Error) => void,
): void {
  if (reply instanceof EngineError) fail(new Error(`the engine refuses: ${reply.text}`));
  else settle(reply);
}
