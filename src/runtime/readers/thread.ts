/** A reader's thread: it blocks in the system until a datagram comes, and never turns an event loop. */

import { parentPort, workerData } from "node:worker_threads";
import type { ServerSocket } from "../../protocol/socket.ts";
import { Handoff } from "../../readers/handoff.ts";
import { Published } from "../../readers/published.ts";
import { Reader } from "../../readers/reader.ts";
import { ReaderClock } from "../../readers/reader_clock.ts";
import { publish } from "../../readers/tallies.ts";
import { ReaderSamples } from "../../sampling/reader_samples.ts";
import type { SharedStore } from "../../store/memory.ts";
import { StoreReader } from "../../store/reader.ts";
import { ServerBatch } from "../batches.ts";
import type { CryptoChoice } from "../../arguments.ts";
import { openWires } from "../../wires.ts";
import { chooseCrypto } from "../detect.ts";
import { LinuxSocket } from "../linux_socket.ts";
import { monotonicOffsetMs } from "./monotonic.ts";
import { Watch } from "./watch.ts";

/** What a thread starts with. */
export interface ReaderStart {
  /** Its number, from 0. */
  readonly number: number;
  readonly serverName: string | undefined;
  readonly crypto: CryptoChoice;
  readonly isFresh: boolean;
  /** The descriptors of its sockets, one for each listener. */
  readonly descriptors: readonly number[];
  readonly store: SharedStore;
  readonly published: Int32Array;
  readonly tally: Int32Array;
  readonly handoff: SharedArrayBuffer;
  readonly samples: SharedArrayBuffer;
  /** The store's clock less the clock that all threads share, in ms, before the machine slept. */
  readonly clockOffsetMs: number;
  /** The longest time to look for datagrams before sleeping, in ms. */
  readonly pollMs: number;
}

/** What a thread says: that it is ready, has something to take, uses its sockets no more, or what went wrong. */
export type ReaderMessage = "ready" | "handed on" | "stopped" | { readonly fault: string };

if (parentPort !== null) {
  await run(workerData as ReaderStart, (message) => parentPort?.postMessage(message));
}

async function run(start: ReaderStart, say: (message: ReaderMessage) => void): Promise<void> {
  const published = new Published(start.published);
  const handoff = new Handoff(start.handoff);
  const sockets = start.descriptors.map((fd) => LinuxSocket.from(fd)).filter((each) =>
    each !== null
  );
  const batches = sockets.map((socket) => new ServerBatch(socket));
  const numbers = new Map<ServerSocket, number>(batches.map((batch, i) => [batch, i]));
  const provider = await chooseCrypto(start.crypto);
  const offsetMs = monotonicOffsetMs() + start.clockOffsetMs;
  const clock = new ReaderClock(published, {
    monotonicMs: () => performance.now() + offsetMs,
    wallMs: () => Date.now(),
  });
  let keysVersion = published.keysVersion;
  const openCurrentWires = () => openWires(published.keys(), provider, start.serverName);
  const hasCurrentWires = () => (keysVersion & 1) === 0 && published.keysVersion === keysVersion;
  const reader = new Reader({
    store: new StoreReader(start.store, start.number),
    wires: await openCurrentWires(),
    hasCurrentWires,
    now: () => clock.now(),
    fillRandom: provider.fillRandom,
    isFresh: start.isFresh,
    epoch: () => published.epoch(),
    handOn(datagram, peer, socket) {
      const isPut = handoff.put(datagram, peer as Uint8Array, numbers.get(socket) ?? 0);
      if (isPut && handoff.mustCall()) say("handed on");
      return isPut;
    },
    samples: new ReaderSamples(start.samples, () => performance.now()),
    onFault: (error) => say({ fault: error instanceof Error ? error.stack ?? "" : String(error) }),
  });
  const watch = new Watch({
    sockets,
    batches,
    receive: (arrivals, socket) => reader.receive(arrivals, socket),
    pollMs: start.pollMs,
  });
  say("ready");
  while (!published.isStopping) {
    watch.takeNext();
    publish(start.tally, reader, watch.polls);
    if (hasCurrentWires()) continue;
    keysVersion = published.keysVersion;
    reader.setWires(await openCurrentWires());
  }
  say("stopped");
}
