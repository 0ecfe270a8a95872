/** A thread of `kg bench`: does its share, and passes on what it has measured. */

import { parentPort, workerData } from "node:worker_threads";
import { SampleRecorder, type Samples } from "../load/samples.ts";
import { Load, type Share, type Task } from "./bench_load.ts";

/** What a thread is told: to do a task, or to end the one that it does. */
export type LoadOrder = Task | "stop";

/** What a thread says: what it has measured, that it has ended, or what went wrong. */
export type LoadMessage =
  | { readonly kind: "samples"; readonly samples: Samples }
  | { readonly kind: "done"; readonly retransmissions: number }
  | { readonly kind: "failed"; readonly problem: string };

/** How often what was measured is passed on, if there is little of it. */
const FLUSH_MS = 250;

if (parentPort !== null) await serve(workerData as Share, parentPort);

async function serve(share: Share, port: NonNullable<typeof parentPort>): Promise<void> {
  const say = (message: LoadMessage) => port.postMessage(message);
  const load = await Load.open(share);
  const done = () => say({ kind: "done", retransmissions: load.retransmissions });
  let stop = new AbortController();
  const run = async (task: Task) => {
    stop = new AbortController();
    const recorder = new SampleRecorder((samples) => say({ kind: "samples", samples }));
    const flushing = setInterval(() => recorder.flush(), FLUSH_MS);
    try {
      await load.run(task, recorder, stop.signal);
      recorder.flush();
      done();
    } catch (error) {
      say({ kind: "failed", problem: error instanceof Error ? error.message : String(error) });
    } finally {
      clearInterval(flushing);
    }
  };
  port.on("message", (order: LoadOrder) => {
    if (order === "stop") stop.abort();
    else void run(order);
  });
  done();
}
