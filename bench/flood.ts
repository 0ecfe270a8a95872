/**
 * The cost of a flood of garbage to a working client: throughput and latency of GETs, 16
 * outstanding, with and without another process that sends datagrams of 1,024 random bytes as fast
 * as it can. All of them look like one client's queries, so with readers they meet one of these.
 *
 *     npm run bench:flood -- [--seconds 5] [--rounds 5] [--readers N] [--json]
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { createHistogram } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { connect } from "../src/connect.ts";
import { encodeKey, generateKey } from "../src/protocol/keys.ts";
import { freshEnvironment, startServer } from "../tests/end_to_end/programs.ts";
import { medians } from "./report.ts";

const OUTSTANDING = 16;
const TIMEOUT_MS = 5_000;
/** Datagrams that the flood sends in a turn of its event loop. */
const BURST = 64;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "5" },
    readers: { type: "string", default: "0" },
    json: { type: "boolean" },
    flood: { type: "string" },
  },
});

if (values.flood !== undefined) flood(Number(values.flood));
else await measureAll(Number(values.seconds), Number(values.rounds));

/** Runs until it is killed. */
function flood(port: number): void {
  const socket = createSocket("udp4");
  socket.on("error", () => {});
  const garbage = crypto.getRandomValues(new Uint8Array(1024));
  garbage[0] &= ~1;
  const burst = () => {
    for (let i = 0; i < BURST; i++) {
      garbage[8 + i % 4]++;
      socket.send(garbage.slice());
    }
    setImmediate(burst);
  };
  socket.connect(port, "127.0.0.1", burst);
}

interface Measured {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly garbagePerSecond: number;
}

async function measureAll(seconds: number, rounds: number): Promise<void> {
  const env = { ...freshEnvironment(), KG_KEY: encodeKey(generateKey()) };
  const server = await startServer(env, ["--readers", values.readers]);
  const address = server.addresses[0];
  const client = await connect(address, { key: env.KG_KEY });
  const kv = client.within(TIMEOUT_MS);
  await kv.set("k", "v".repeat(100));
  const received = async () => Number((await kv.stats({ section: "datagrams" }))?.received ?? 0);

  const measure = async (): Promise<Measured> => {
    const histogram = createHistogram();
    const before = await received();
    const endsAt = performance.now() + seconds * 1_000;
    let done = 0;
    const work = async () => {
      while (performance.now() < endsAt) {
        const startedAt = performance.now();
        await kv.get("k");
        histogram.record(Math.max(1, Math.round((performance.now() - startedAt) * 1_000)));
        done++;
      }
    };
    await Promise.all(Array.from({ length: OUTSTANDING }, work));
    const arrived = (await received()) - before;
    return {
      perSecond: done / seconds,
      p50Us: histogram.percentile(50),
      p99Us: histogram.percentile(99),
      garbagePerSecond: Math.max(0, arrived - done) / seconds,
    };
  };

  await measure();
  const calm: Measured[] = [];
  const flooded: Measured[] = [];
  for (let round = 1; round <= rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round} of ${rounds}`);
    calm.push(await measure());
    const flooder = startFlood(address);
    await new Promise((resolve) => setTimeout(resolve, 500));
    flooded.push(await measure());
    flooder.kill("SIGKILL");
  }
  client.close();
  await server.stop();
  report(calm, flooded);
}

function startFlood(address: string): ChildProcess {
  const port = address.split(":").at(-1) ?? "";
  const args = [process.argv[1], "--flood", port];
  return spawn(process.execPath, args, { stdio: "inherit" });
}

function report(calm: readonly Measured[], flooded: readonly Measured[]): void {
  const rows = { calm: medians(calm), flooded: medians(flooded) };
  if (values.json) {
    console.log(JSON.stringify(rows));
    return;
  }
  for (const [name, row] of Object.entries(rows)) {
    const { perSecond, p50Us, p99Us, garbagePerSecond } = row;
    console.log(
      `${name.padEnd(8)} ${perSecond.toFixed(0).padStart(7)} GET/s  p50 ${p50Us} µs  ` +
        `p99 ${p99Us} µs  garbage ${garbagePerSecond.toFixed(0)}/s`,
    );
  }
  const ratio = rows.flooded.perSecond / rows.calm.perSecond;
  console.log(`throughput under flood: ${ratio.toFixed(2)} of that without`);
}
