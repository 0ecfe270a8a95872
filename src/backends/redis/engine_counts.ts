/** What an engine says of its keys and memory, looked at now and then. Source: the reference of Redis, INFO. */

import { Buffer } from "node:buffer";
import type { Time } from "../../protocol/destination.ts";
import type { StoreCounts } from "../../store/store.ts";
import { encode } from "./commands.ts";
import type { Engine } from "./engine.ts";

const LOOK_MS = 1_000;
const ASK = encode(["INFO"]);

export class EngineCounts implements StoreCounts {
  count = 0;
  timed = 0;
  readonly drops = 0;
  payloadBytes = 0;
  usedBytes = 0;
  limitBytes = 0;
  evictions = 0;
  expirations = 0;
  readonly #engine: Engine;

  constructor(engine: Engine, { makeAlarm }: Time) {
    this.#engine = engine;
    const look = makeAlarm(() => {
      void this.#look().catch(() => {});
      look.set(LOOK_MS);
    });
    look.keepAlive(false);
    look.set(LOOK_MS);
  }

  async #look(): Promise<void> {
    const infos = await Promise.all(
      this.#engine.primaries.filter(({ problem }) => problem === null).map((node) =>
        new Promise<string>((settle, fail) => {
          this.#engine.sendTo(node, ASK, true, {
            onReply: (reply) =>
              settle(reply instanceof Uint8Array ? Buffer.from(reply).toString("latin1") : ""),
            onFailure: fail,
          });
        })
      ),
    );
    const sum = (pattern: RegExp) =>
      infos.reduce((total, info) => total + Number(pattern.exec(info)?.[1] ?? 0), 0);
    this.count = sum(/^db0:keys=(\d+)/m);
    this.timed = sum(/^db0:keys=\d+,expires=(\d+)/m);
    this.payloadBytes = this.usedBytes = sum(/^used_memory:(\d+)/m);
    this.limitBytes = sum(/^maxmemory:(\d+)/m);
    this.evictions = sum(/^evicted_keys:(\d+)/m);
    this.expirations = sum(/^expired_keys:(\d+)/m);
  }
}
