/**
 * A DROP at an engine: walks over all primaries and unlinks what it finds, so it takes time, and is no single
 * step: its answer comes at the end. The empty prefix is one command at each.
 */

import { Buffer } from "node:buffer";
import { Result } from "../../store/store.ts";
import { outcome } from "../fills.ts";
import { type Done, type Fill, unavailable, unknown } from "../later_executor.ts";
import { encode } from "./commands.ts";
import type { Engine } from "./engine.ts";
import type { EngineNode } from "./node.ts";
import { EngineError, type Reply } from "./replies.ts";
import { patternOf } from "./scan.ts";
import { slotOf } from "./slots.ts";

const LOOKS = "1000";

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
    try {
      await Promise.all(
        primaries.map((node) => prefix.length === 0 ? this.#flush(node) : this.#walk(node, prefix)),
      );
      return outcome(Result.DONE);
    } catch (error) {
      // Some of it may be done.
      return unknown(error instanceof Error ? error.message : String(error));
    }
  }

  async #flush(node: EngineNode): Promise<void> {
    await this.#askNode(node, encode(["FLUSHDB"]));
  }

  async #walk(node: EngineNode, prefix: Uint8Array): Promise<void> {
    const pattern = patternOf(prefix);
    const word = { span: { bytes: pattern, start: 0, length: pattern.length } };
    for (let cursor = "0";;) {
      const page = await this.#askNode(
        node,
        encode(["SCAN", cursor, "MATCH", word, "COUNT", LOOKS, "TYPE", "string"]),
      );
      const [next, keys] = page as [Uint8Array, Uint8Array[]];
      cursor = Buffer.from(next).toString();
      await Promise.all(keys.map((key) => this.#unlink(Uint8Array.from(key))));
      if (cursor === "0") return;
    }
  }

  #unlink(key: Uint8Array): Promise<Reply> {
    const command = encode(["UNLINK", { span: { bytes: key, start: 0, length: key.length } }]);
    // To remove it twice does no harm, so it may be sent again.
    return new Promise((settle, fail) => {
      this.#engine.send(command, slotOf(key, 0, key.length), true, {
        onReply: (reply) =>
          reply instanceof EngineError ? fail(new Error(reply.text)) : settle(reply),
        onFailure: (problem) => fail(new Error(problem)),
      });
    });
  }

  #askNode(node: EngineNode, command: Buffer): Promise<Reply> {
    return new Promise((settle, fail) => {
      this.#engine.sendTo(node, command, false, {
        onReply: (reply) =>
          reply instanceof EngineError ? fail(new Error(reply.text)) : settle(reply),
        onFailure: (problem) => fail(new Error(problem)),
      });
    });
  }
}
