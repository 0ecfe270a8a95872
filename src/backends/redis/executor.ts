/** Carries out jobs at a Redis or Valkey, or a Cluster of them. */

import { Action, type Job } from "../../execute/executor.ts";
import type { Line, Section } from "../../section.ts";
import type { StoreCounts } from "../../store/store.ts";
import { type Done, LaterExecutor, unavailable, unknown } from "../later_executor.ts";
import { encode } from "./commands.ts";
import { EngineDrop } from "./drop.ts";
import type { Engine } from "./engine.ts";
import type { EngineCounts } from "./engine_counts.ts";
import { planOf } from "./jobs.ts";
import type { Reply } from "./replies.ts";
import { EngineScan } from "./scan.ts";
import { slotOf } from "./slots.ts";

/** Nodes that a section of STATS has room for. */
const NODES_OF_SECTION = 8;

export class RedisExecutor extends LaterExecutor {
  readonly sections: ReadonlyMap<string, Section> = new Map([["backend", () => this.#lines()]]);
  readonly counts: StoreCounts;
  readonly #engine: Engine;
  readonly #now: () => number;
  readonly #scan: EngineScan;
  readonly #drop: EngineDrop;

  /** @param now the store's clock */
  constructor(engine: Engine, counts: EngineCounts, now: () => number) {
    super();
    this.#engine = engine;
    this.counts = counts;
    this.#now = now;
    this.#scan = new EngineScan(engine);
    this.#drop = new EngineDrop(engine);
  }

  get outage(): string | null {
    return this.#engine.outage;
  }

  protected begin(job: Job, done: Done): void {
    const plan = planOf(job, this.#now());
    if (plan === null) {
      if (job.action === Action.SCAN) this.#scan.begin(job, done);
      else this.#drop.begin(copyOf(job), done);
      return;
    }
    const { bytes, start, length } = job.key;
    const slot = slotOf(bytes, start, length);
    const replies: Reply[] = [];
    let missing = plan.commands.length;
    let isOver = false;
    for (const [i, words] of plan.commands.entries()) {
      this.#engine.send(encode(words), slot, plan.isRead, {
        onReply(reply) {
          replies[i] = i + 1 < plan.commands.length ? kept(reply) : reply;
          if (--missing === 0 && !isOver) done(plan.conclude(replies));
        },
        onFailure(problem, isUnknown) {
          if (isOver) return;
          isOver = true;
          done(isUnknown ? unknown(problem) : unavailable(problem));
        },
      });
    }
  }

  #lines(): Line[] {
    const { nodes, isCluster, redirects, retries } = this.#engine;
    const lines: Line[] = [
      ["kind", isCluster ? "cluster" : "single"],
      ["outage", this.outage ?? "none"],
      ["under_way", this.underWay],
      ["redirects", redirects],
      ["retries", retries],
      ["nodes", nodes.length],
      ["columns", "state slots round_trip_us under_way failures"],
    ];
    for (const node of nodes.slice(0, NODES_OF_SECTION)) {
      const { address, problem, slots, roundTripMs, underWay, failures } = node;
      const us = Number.isNaN(roundTripMs) ? 0 : Math.round(roundTripMs * 1_000);
      const values = [problem === null ? "up" : "down", slots, us, underWay, failures];
      lines.push([address, values.join(" ")]);
    }
    return lines;
  }
}

function copyOf({ key: { bytes, start, length } }: Job): Uint8Array {
  return Uint8Array.from(bytes.subarray(start, start + length));
}

/** The first of two replies must outlive the bytes that it came in. */
function kept(reply: Reply): Reply {
  return reply instanceof Uint8Array ? Uint8Array.from(reply) : reply;
}
