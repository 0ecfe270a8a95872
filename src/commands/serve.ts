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
import { journaledOf, type JournaledStore } from "../journal/journaled_store.ts";
import type { Store } from "../store/store.ts";
import { VERSION } from "../version.ts";
import { CRYPTO_OPTION, cryptoChoice, DEFAULT_SERVER, KEY_FILE_OPTION } from "./client_options.ts";
import { bindProblem } from "./bind_problem.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { findOrMakeKey } from "./key_source.ts";
import { complain } from "./output.ts";
import { DOOR_OPTIONS, openDoors } from "./serve_doors.ts";
import { JOURNAL_OPTIONS, type OpenStore, openStore } from "./serve_journal.ts";
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
    "SIGINT or SIGTERM ends it; what was stored is then gone, unless it has a --data-dir.",
  options: {
    listen: {
      type: "string",
      multiple: true,
      value: "HOST:PORT",
      help: `where to listen; repeat it for more (default: ${DEFAULT_SERVER})`,
    },
    ...STORE_OPTIONS,
    ...JOURNAL_OPTIONS,
    ...DOOR_OPTIONS,
    ...KEY_FILE_OPTION,
    ...SKVS_OPTIONS,
    ...CRYPTO_OPTION,
  },
  examples: [
    "kg serve",
    "kg serve --listen 10.0.0.5:4040 --listen [::1]:4040 --memory 1GiB",
    "kg serve --key-file /etc/kilogram.key --on-full refuse",
    "kg serve --data-dir /var/lib/kilogram",
    "kg serve --line unix:/run/kg.sock --resp 127.0.0.1:6380",
  ],

  async run(input) {
    const toClose: Closable[] = [];
    const signal = stopSignal();
    const now = makeClock();
    const data = await openStore(input, (onEvict) => makeStore(input, now, onEvict), now, signal);
    try {
      if (!signal.aborted) await start(input, data, now, toClose);
      await stopped(signal);
      // Whoever waits for the disk is still answered.
      await data.flush();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      for (const each of toClose) each.close();
      await data.close();
    }
    complain(`kg: stopped by ${signal.reason}`);
    return Exit.DONE;
  },
};

interface Closable {
  close(): void;
}

/** Opens everything, or throws; what was opened by then is to be closed. */
async function start(
  input: Input,
  { store, description }: OpenStore,
  now: () => number,
  toClose: Closable[],
): Promise<void> {
  const runtime = await detectRuntime();
  const aead = await chooseAead(cryptoChoice(input));
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
    isFresh: journaledOf(store) === null,
    fallback: await skvsReceiver(input, aead, store, counters),
  });
  complain(isNew ? `key: made a new one, ${origin}` : `key: ${origin}`);
  await listenAll(input, runtime, server, listeners, toClose);
  toClose.push({ close: keepSweeping(store) });
  const addresses = listeners.map(({ address }) => formatAddress(address)).join(", ");
  complain(`kg ${VERSION} listens on ${addresses}`);
  if (doors.places.length > 0) complain(`doors, not encrypted: ${doors.places.join(", ")}`);
  if (description !== "") complain(description);
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
  store: Store | JournaledStore,
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
  listeners: Listener[],
  toClose: Closable[],
): Promise<void> {
  const receive: Receive = (datagram, reply) => server.receive(datagram, reply);
  const wanted = input.texts("listen");
  for (const text of wanted.length > 0 ? wanted : [DEFAULT_SERVER]) {
    const address = await resolveAddress(parseAddress(text));
    try {
      const listener = await runtime.listen(address, receive);
      listeners.push(listener);
      toClose.push(listener);
    } catch (error) {
      throw new UsageError(`can't listen on ${text}: ${bindProblem(error)}`);
    }
  }
}

/** Is aborted, by the name of a signal, when that ends the server. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of STOP_SIGNALS) process.once(name, () => controller.abort(name));
  return controller.signal;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
