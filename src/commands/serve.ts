import { SkvsDoor } from "../doors/skvs.ts";
import type { Receive } from "../protocol/datagram.ts";
import { fillFromKernel, trafficCiphers } from "../protocol/keys.ts";
import type { Aead } from "../protocol/seal.ts";
import { formatAddress, parseAddress, resolveAddress } from "../runtime/address.ts";
import { makeClock } from "../runtime/clock.ts";
import { chooseAead, detectRuntime } from "../runtime/detect.ts";
import { kernelDrops } from "../runtime/kernel_drops.ts";
import type { Listener, Runtime } from "../runtime/runtime.ts";
import { Server } from "../server.ts";
import { Counters, type Line } from "../statistics.ts";
import type { Store } from "../store/store.ts";
import { VERSION } from "../version.ts";
import { CRYPTO_OPTION, cryptoChoice, DEFAULT_SERVER, KEY_FILE_OPTION } from "./client_options.ts";
import { bindProblem } from "./bind_problem.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { findOrMakeKey } from "./key_source.ts";
import { complain } from "./output.ts";
import { DOOR_OPTIONS, openDoors } from "./serve_doors.ts";
import { describeStore, keepSweeping, makeStore, STORE_OPTIONS } from "./serve_store.ts";
import { SKVS_OPTIONS, wantsSkvs } from "./skvs.ts";
import { skvsKey } from "./skvs_key.ts";
import { UsageError } from "./usage_error.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

export const command: Command = {
  summary: "run a server",
  parameters: "",
  arity: [0, 0],
  details:
    "Without a key anywhere it makes one, readable by you alone, which the commands that you run\n" +
    "on this machine then find by themselves. For other machines, copy that file to them.\n" +
    "SIGINT or SIGTERM ends it; what was stored is then gone.",
  options: {
    listen: {
      type: "string",
      multiple: true,
      value: "HOST:PORT",
      help: `where to listen; repeat it for more (default: ${DEFAULT_SERVER})`,
    },
    ...STORE_OPTIONS,
    ...DOOR_OPTIONS,
    ...KEY_FILE_OPTION,
    ...SKVS_OPTIONS,
    ...CRYPTO_OPTION,
  },
  examples: [
    "kg serve",
    "kg serve --listen 10.0.0.5:4040 --listen [::1]:4040 --memory 1GiB",
    "kg serve --key-file /etc/kilogram.key --on-full refuse",
    "kg serve --line unix:/run/kg.sock --resp 127.0.0.1:6380",
  ],

  async run(input) {
    const toClose: Closable[] = [];
    try {
      const stopped = stopSignal();
      await start(input, toClose);
      complain(`kg: stopped by ${await stopped}`);
    } finally {
      for (const each of toClose) each.close();
    }
    return Exit.DONE;
  },
};

interface Closable {
  close(): void;
}

/** Opens everything, or throws; what was opened by then is to be closed. */
async function start(input: Input, toClose: Closable[]): Promise<void> {
  const runtime = await detectRuntime();
  const aead = await chooseAead(cryptoChoice(input));
  const now = makeClock();
  const store = makeStore(input, now);
  const counters = new Counters();
  const doors = await openDoors(input, runtime, store, counters, now);
  toClose.push(doors);
  const { key, origin, isNew } = findOrMakeKey(input.text("key-file"));
  const listeners: Listener[] = [];
  const server = new Server({
    ciphers: await trafficCiphers(key, aead),
    store,
    now,
    fillRandom: fillFromKernel,
    counters,
    facts: [
      ["version", VERSION],
      ["runtime", `${runtime.name} ${runtime.version}`],
      ["aead", aead.name],
    ],
    systemLines: () => systemLines(listeners),
    connectionLines: doors.lines,
    fallback: await skvsReceiver(input, aead, store, counters),
  });
  complain(isNew ? `key: made a new one, ${origin}` : `key: ${origin}`);
  await listenAll(input, runtime, server, aead.isImmediate, listeners, toClose);
  toClose.push({ close: keepSweeping(store) });
  const addresses = listeners.map(({ address }) => formatAddress(address)).join(", ");
  complain(`kg ${VERSION} listens on ${addresses}`);
  if (doors.places.length > 0) complain(`doors, not encrypted: ${doors.places.join(", ")}`);
  complain(`${describeStore(input, store)}; sealing: ${aead.name} on ${runtime.name}`);
}

function systemLines(listeners: readonly Listener[]): Line[] {
  const lines: Line[] = [];
  const drops = kernelDrops(listeners.map(({ address }) => address));
  if (drops !== null) lines.push(["dropped_by_kernel", drops]);
  const buffers = listeners.flatMap(({ receiveBufferBytes }) => receiveBufferBytes ?? []);
  if (buffers.length > 0) lines.push(["receive_buffer_bytes", Math.min(...buffers)]);
  return lines;
}

async function skvsReceiver(
  input: Input,
  aead: Aead,
  store: Store,
  counters: Counters,
): Promise<Receive | undefined> {
  if (!wantsSkvs(input)) return undefined;
  const cipher = await aead.cipher(skvsKey(input.text("skvs-key-file")));
  complain(
    "warning: the original wire is on (--skvs). It has no protection against replay: whoever " +
      "records its datagrams can change any key of this store by sending them again.",
  );
  return new SkvsDoor({ cipher, store, counters, fillRandom: fillFromKernel }).receive;
}

/** Listens on every address, or throws. */
async function listenAll(
  input: Input,
  runtime: Runtime,
  server: Server,
  isImmediate: boolean,
  listeners: Listener[],
  toClose: Closable[],
): Promise<void> {
  const receive: Receive = (datagram, reply) => server.receive(datagram, reply);
  const wanted = input.texts("listen");
  for (const text of wanted.length > 0 ? wanted : [DEFAULT_SERVER]) {
    const address = await resolveAddress(parseAddress(text));
    try {
      const listener = await runtime.listen(address, receive, isImmediate);
      listeners.push(listener);
      toClose.push(listener);
    } catch (error) {
      throw new UsageError(`can't listen on ${text}: ${bindProblem(error)}`);
    }
  }
}

/** The signal that ends the server, from the moment that this is called. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of STOP_SIGNALS) process.once(name, () => resolve(name));
  });
}
