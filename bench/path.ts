/**
 * The cost of the steps of a GET inside the server, without its socket: a datagram is opened,
 * checked, answered from the store and sealed, over and over, 64 different datagrams in turn. All of
 * it is measured twice: as `kg serve` has it, which samples requests for its hot keys and latencies,
 * and without that.
 *
 *     npm run bench:path -- [--rounds 7] [--crypto native|node] [--json]
 */

import { parseArgs } from "node:util";
import { MemoryExecutor } from "../src/execute/memory.ts";
import { DATAGRAM_BYTES, FRAME_BYTES } from "../src/protocol/datagram.ts";
import { Operation, writeRequest } from "../src/protocol/frame.ts";
import { fillFromKernel, generateKey, trafficCiphers } from "../src/protocol/keys.ts";
import { NO_ADDITIONAL_DATA } from "../src/protocol/seal.ts";
import { OneArrival, type ServerSocket } from "../src/protocol/socket.ts";
import { NonceStream } from "../src/protocol/nonces.ts";
import { makeClock } from "../src/runtime/clock.ts";
import { chooseCrypto } from "../src/runtime/detect.ts";
import { SampledExecutor } from "../src/sampling/sampled_executor.ts";
import { Samples } from "../src/sampling/samples.ts";
import { Server } from "../src/server.ts";
import { version1 } from "../src/version1.ts";
import { LogStore } from "../src/store/log_store.ts";
import { medians, spread, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    crypto: { type: "string", default: "native" },
    json: { type: "boolean" },
  },
});

const DATAGRAMS = 64;
const TURNS = 3_000;
const VALUE_BYTES = 100;

if (values.crypto !== "native" && values.crypto !== "node") {
  throw new Error("--crypto must be native or node: Web Crypto is asynchronous");
}
const provider = await chooseCrypto(values.crypto);
const ciphers = await trafficCiphers(generateKey(), provider);
const now = makeClock();
const store = new LogStore({ limitBytes: 64 * 2 ** 20, now, fillRandom: fillFromKernel });
const executor = new MemoryExecutor(store);
const steadyNow = () => performance.now();
const sampled = new SampledExecutor(executor, new Samples(steadyNow), steadyNow);
const shared = { wires: [version1(ciphers)], now, fillRandom: fillFromKernel };
const server = new Server({ ...shared, executor });
const sampledServer = new Server({ ...shared, executor: sampled });
const reply = new Uint8Array(DATAGRAM_BYTES);
const arrival = new OneArrival();
const socket: ServerSocket = { reply, send() {}, keep: (peer) => peer };
const frame = new Uint8Array(FRAME_BYTES);
const found = { bytes: frame, start: 0, room: VALUE_BYTES, length: 0, expiresAtMs: 0 };
const keys = Array.from(
  { length: DATAGRAMS },
  (_, i) => new TextEncoder().encode(`key:${String(i).padStart(12, "0")}`),
);
const spans = keys.map((bytes) => ({ bytes, start: 0, length: bytes.length }));
const requests = makeRequests();

const steps: Record<string, (i: number) => void> = {
  "open the request": (i) => void ciphers.requests.open(requests[i], NO_ADDITIONAL_DATA),
  "get from the store": (i) => void store.get(spans[i], found),
  "seal the reply": () => void ciphers.replies.seal(reply, NO_ADDITIONAL_DATA),
  "all of it, sampled": (i) => {
    sampled.arrive(1);
    sampledServer.receive(arrival.of(requests[i], null), socket);
    sampled.handled();
  },
  "all of it, not sampled": (i) => void server.receive(arrival.of(requests[i], null), socket),
};

const rounds: Record<string, number>[] = [];
for (let round = 0; round <= Number(values.rounds); round++) {
  const costs = Object.entries(steps).map(([name, step]) => [name, costUs(step)]);
  // The first round is a warm-up.
  if (round > 0) rounds.push(Object.fromEntries(costs));
}
report();

function makeRequests(): Uint8Array[] {
  const stream = NonceStream.forQueries(fillFromKernel);
  const value = { bytes: new Uint8Array(VALUE_BYTES), start: 0, length: VALUE_BYTES };
  return keys.map((key, i) => {
    store.set(spans[i], value, 0, true, found);
    const datagram = new Uint8Array(DATAGRAM_BYTES);
    stream.take(datagram);
    const none = new Uint8Array(0);
    writeRequest(ciphers.requests.frame, {
      operation: Operation.GET,
      toggles: 0,
      key,
      value: none,
      ttlMs: 0,
    });
    ciphers.requests.seal(datagram, NO_ADDITIONAL_DATA);
    return datagram;
  });
}

/** Microseconds, the mean over many turns. */
function costUs(step: (i: number) => void): number {
  const startedAtMs = performance.now();
  for (let turn = 0; turn < TURNS; turn++) for (let i = 0; i < DATAGRAMS; i++) step(i);
  return (performance.now() - startedAtMs) * 1_000 / (TURNS * DATAGRAMS);
}

function report(): void {
  const typical = medians(rounds);
  if (values.json) {
    console.log(JSON.stringify(typical));
    return;
  }
  const rows = Object.entries(typical).map(([name, us]) => {
    const [least, most] = spread(rounds.map((round) => round[name]));
    return [name, us.toFixed(2), `${least.toFixed(2)} to ${most.toFixed(2)}`];
  });
  console.log(table([[`${provider.name}: step`, "µs", "range of the rounds"], ...rows]));
}
