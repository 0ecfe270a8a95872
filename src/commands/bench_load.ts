/** A thread's share of the load of `kg bench`. */

import type { Calls, Client } from "../client.ts";
import { openClient } from "../connect.ts";
import { closedLoop, type Extent, fill, type KeyRange, openLoop } from "../load/loops.ts";
import type { Recorder } from "../load/measured.ts";
import { Requests, type Workload } from "../load/workload.ts";
import type { CryptoChoice } from "../arguments.ts";
import type { Spread } from "../server_list.ts";
import { detectRuntime } from "../runtime/detect.ts";

export interface Share {
  readonly server: string;
  readonly key: Uint8Array;
  readonly spread: Spread | undefined;
  readonly crypto: CryptoChoice;
  readonly workload: Workload;
  readonly clients: number;
  /** Per client. */
  readonly outstanding: number;
  /** Requests a second, or null for a closed loop. */
  readonly ratePerS: number | null;
  /** With a rate: when the first request is due, from the start. */
  readonly offsetMs: number;
  readonly timeoutMs: number;
  /** The keys to set first. */
  readonly keys: KeyRange;
}

/** What a share does at a time: sets its keys, or puts its load on the server. */
export type Task = "fill" | Extent;

export class Load {
  readonly #share: Share;
  readonly #clients: readonly Client[];
  readonly #awaitReply: ((ms: number) => void) | undefined;
  readonly #requests: Requests;

  private constructor(
    share: Share,
    clients: readonly Client[],
    awaitReply: ((ms: number) => void) | undefined,
  ) {
    this.#share = share;
    this.#clients = clients;
    this.#awaitReply = awaitReply;
    this.#requests = new Requests(share.workload);
  }

  static async open(share: Share): Promise<Load> {
    const { server, spread, key, crypto } = share;
    const opened = await Promise.all(
      Array.from({ length: share.clients }, () => openClient(server, { spread, key, crypto })),
    );
    const { waiterFor } = await detectRuntime();
    const awaitReply = waiterFor?.(opened.flatMap(({ channels }) => channels)) ?? undefined;
    return new Load(share, opened.map(({ client }) => client), awaitReply);
  }

  get retransmissions(): number {
    return this.#clients.reduce((sum, client) => sum + client.retransmissions, 0);
  }

  /** The calls of one of the clients. */
  get calls(): Calls<true> {
    return this.#clients[0].within(this.#share.timeoutMs);
  }

  /** @param stop ends the task early */
  async run(task: Task, recorder: Recorder, stop: AbortSignal): Promise<void> {
    const { outstanding, ratePerS, offsetMs, timeoutMs, keys } = this.#share;
    const clients: Calls<true>[] = this.#clients.map((client) => client.within(timeoutMs));
    const loop = { clients, recorder, stop, awaitReply: this.#awaitReply };
    const requests = this.#requests;
    if (task === "fill") await fill(requests, keys, outstanding, loop);
    else if (ratePerS === null) await closedLoop(requests, outstanding, { ...loop, extent: task });
    else await openLoop(requests, { ratePerS, offsetMs }, { ...loop, extent: task });
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
