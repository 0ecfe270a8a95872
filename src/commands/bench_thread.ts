/** A thread of `kg bench`: does its share, and passes on what it has measured. */

import { parentPort, workerData } from "node:worker_threads";
import { SampleRecorder, type Samples } from "../load/samples.ts";
import { Load, type Share, type Task } from "./bench_load.ts";

/** What a thread says: what it has measured, how far it is, that it has ended, or what went wrong. */
export type LoadMessage =
  | { readonly kind: "samples"; readonly samples: Samples }
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly retransmissions: number }
  | { readonly kind: "failed"; readonly problem: string };

if (parentPort !== null) await serve(workerData as Share, parentPort);

async function serve(share: Share, port: NonNullable<typeof parentPort>): Promise<void> {
  const say = (message: LoadMessage) => port.postMessage(message);
  const load = await Load.open(share);
  const done = () => say({ kind: "done", retransmissions: load.retransmissions });
  port.on("message", async (task: Task) => {
    try {
      const recorder = new SampleRecorder((samples) => say({ kind: "samples", samples }));
      await load.run(task, recorder, (progress) => say({ kind: "progress", share: progress }));
      recorder.flush();
      done();
    } catch (error) {
      say({ kind: "failed", problem: error instanceof Error ? error.message : String(error) });
    }
  });
  done();
}
