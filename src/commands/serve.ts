import { MemoryExecutor } from "../execute/memory.ts";
import type { Receive } from "../protocol/socket.ts";
import {
  type Address,
  DEFAULT_SERVER,
  formatAddress,
  parseAddress,
  resolveAddress,
} from "../runtime/address.ts";
import { makeClock } from "../runtime/clock.ts";
import { chooseCrypto, detectRuntime } from "../runtime/detect.ts";
import { kernelDrops } from "../runtime/kernel_drops.ts";
import type { ReaderThreads, ReaderThreadsOptions } from "../runtime/readers/threads.ts";
import type { Listener, Runtime } from "../runtime/runtime.ts";
import { SampledExecutor } from "../sampling/sampled_executor.ts";
import { Samples } from "../sampling/samples.ts";
import { Server } from "../server.ts";
import type { Line, Section } from "../section.ts";
import { Counters } from "../statistics.ts";
import type { LogStore } from "../store/log_store.ts";
import { VERSION } from "../version.ts";
import { CRYPTO_OPTION, cryptoChoice, KEY_FILE_OPTION } from "./client_options.ts";
import { BACKEND_OPTIONS, backendOf } from "./backend_options.ts";
import { bindProblem } from "./bind_problem.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { HTTP_OPTIONS, wantsHttp } from "./http_options.ts";
import { HangUp } from "./hang_up.ts";
import { beginLog, log, LOG_OPTIONS } from "./log.ts";
import { DOOR_OPTIONS, wantsDoors } from "./door_options.ts";
import { dataFolderOf, JOURNAL_OPTIONS } from "./data_folder.ts";
import { pollers, pollOf, READER_OPTIONS, readersOf } from "./reader_options.ts";
import {
  describeStore,
  keepSweeping,
  makeStore,
  type Opened,
  STORE_OPTIONS,
} from "./serve_store.ts";
import type { Http } from "./serve_http.ts";
import type { DoorPorts, Doors } from "./serve_doors.ts";
import type { ServiceManager } from "./service_manager.ts";
import { NAME_OPTION, type OpenedKeys, ServerKeys, serverNameOf } from "./serve_keys.ts";
import { SKVS_OPTIONS } from "./skvs.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** A signal that comes so long after the first one is from somebody who does not want to wait. */
const IMPATIENT_MS = 1_000;

export const command: Command = {
  summary: "run a server",
  parameters: "",
  arity: [0, 0],
  details:
    "If there is no key, it makes one, readable only by you. The commands that you run on this\n" +
    "machine find that key by themselves. For other machines, copy its file to them.\n" +
    "SIGINT or SIGTERM stops it; what was stored is then lost, unless it has a --data-dir.\n" +
    "SIGHUP reads the files with keys and --resp-password-file again. A key file may have two lines, a\n" +
    "key each: the server accepts both, and clients use the first.\n" +
    "A variable KG_ with an option's name in capitals does what the option does, which wins if both are\n" +
    "there: KG_MEMORY=1GiB, KG_LISTEN with commas between several, KG_PLAINTEXT_OK=1 (or 0).",
  takesVariables: true,
  options: {
    listen: {
      type: "string",
      multiple: true,
      value: "HOST:PORT",
      help: `where to listen; repeat it for more (default: ${DEFAULT_SERVER})`,
    },
    ...NAME_OPTION,
    ...STORE_OPTIONS,
    ...JOURNAL_OPTIONS,
    ...BACKEND_OPTIONS,
    ...READER_OPTIONS,
    ...DOOR_OPTIONS,
    ...HTTP_OPTIONS,
    ...KEY_FILE_OPTION,
    ...SKVS_OPTIONS,
    ...CRYPTO_OPTION,
    ...LOG_OPTIONS,
  },
  examples: [
    "kg serve",
    "kg serve --listen 10.0.0.5:4040 --listen [::1]:4040 --memory 1GiB",
    "kg serve --key-file /etc/kilogram.key --on-full refuse",
    "kg serve --data-dir /var/lib/kilogram",
    "kg serve --line unix:/run/kg.sock --resp 127.0.0.1:6380",
    "kg serve --http 127.0.0.1:9464    # a page to look at, and /metrics",
    "kg serve --name cache-1 --listen 10.0.0.1:4040    # one of several",
    "kg serve --backend redis://10.0.0.1:6379",
  ],

  async run(input) {
    beginLog(input);
    const toClose: Closable[] = [];
    const addresses = listenAddressesOf(input);
    const signal = stopSignal();
    const hangUp = new HangUp();
    const now = makeClock();
    const backend = backendOf(input);
    const readers = backend === undefined ? readersOf(input, cryptoChoice(input)) : 0;
    const pollMs = pollOf(input, readers);
    const manager = await findManager();
    const folder = input.text("data-dir");
    if (folder !== undefined) manager?.loading(folder);
    const data = backend === undefined
      ? await openExecutor(input, now, readers, signal)
      : await openElsewhere(input, backend, now, signal);
    try {
      if (!signal.aborted) {
        await start(input, data, { now, readers, pollMs, hangUp, addresses, manager }, toClose);
      }
      await stopped(signal);
      manager?.stopping();
      // Requests that wait for the disk are still answered.
      await data.flush();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      for (const each of toClose) await each.close();
      await data.close();
      hangUp.end();
    }
    log.info("stopped", `kg: stopped by ${signal.reason}`, { signal: String(signal.reason) });
    return Exit.DONE;
  },
};

// Optional parts are loaded only when they are asked for.

async function openExecutor(
  input: Input,
  now: () => number,
  readers: number,
  signal: AbortSignal,
): Promise<Opened> {
  const folder = dataFolderOf(input);
  if (folder === undefined) return inMemory(makeStore(input, { now, readers }));
  const { openFolder } = await import("./serve_journal.ts");
  return await openFolder(input, folder, { now, readers }, signal);
}

async function openElsewhere(
  input: Input,
  url: string,
  now: () => number,
  signal: AbortSignal,
): Promise<Opened> {
  return await (await import("./serve_backend.ts")).openBackend(input, url, now, signal);
}

function inMemory(store: LogStore): Opened {
  const nothing = () => Promise.resolve();
  const executor = new MemoryExecutor(store);
  return { executor, store, description: "", flush: nothing, close: nothing };
}

async function findManager(): Promise<ServiceManager | null> {
  if (!process.env.NOTIFY_SOCKET) return null;
  return (await import("./service_manager.ts")).ServiceManager.find();
}

async function openDoors(input: Input, runtime: Runtime, ports: DoorPorts): Promise<Doors> {
  return await (await import("./serve_doors.ts")).openDoors(input, runtime, ports);
}

async function openHttp(input: Input, sections: ReadonlyMap<string, Section>): Promise<Http> {
  return await (await import("./serve_http.ts")).openHttp(input, sections);
}

interface Closable {
  close(): void | Promise<void>;
}

interface Serving {
  readonly now: () => number;
  readonly readers: number;
  readonly pollMs: number;
  readonly hangUp: HangUp;
  readonly addresses: readonly Address[];
  readonly manager: ServiceManager | null;
}

/** Opens everything, or throws; the caller closes `toClose` in either case. */
async function start(
  input: Input,
  { executor: unsampled, store, description }: Opened,
  { now, readers: readerCount, pollMs, hangUp, addresses: wanted, manager }: Serving,
  toClose: Closable[],
): Promise<void> {
  const runtime = await detectRuntime();
  const provider = await chooseCrypto(cryptoChoice(input));
  const counters = new Counters();
  const steadyNow = () => performance.now();
  const samples = new Samples(steadyNow);
  const executor = new SampledExecutor(unsampled, samples, steadyNow);
  const doors = wantsDoors(input)
    ? await openDoors(input, runtime, { executor, counters, now, onFault })
    : null;
  if (doors !== null) toClose.push(doors);
  const serverName = serverNameOf(input);
  const listeners: Listener[] = [];
  let receiver: Server | null = null;
  const receive: Receive = (arrivals, socket) => {
    executor.arrive(arrivals.count);
    receiver?.receive(arrivals, socket);
    executor.handled();
  };
  // First, so that no key is made for a server that can't listen.
  await listenAll(wanted, runtime, receive, listeners, toClose);
  const keys = new ServerKeys(input, provider, counters, now);
  const { wires, keys: accepted } = await keys.open();
  const readers = readerCount === 0 || store === null ? null : await makeReaders({
    count: readerCount,
    ...{ store: store.shared, serverName, pollMs, now, counters, onFault },
    onSample: (sample) => samples.note(sample),
    crypto: cryptoChoice(input),
    isFresh: !executor.isDurable,
    pollers: pollers(),
  });
  readers?.setKeys(accepted);
  const server = new Server({
    wires,
    executor,
    now,
    fillRandom: provider.fillRandom,
    counters,
    facts: [
      ["version", VERSION],
      ["runtime", `${runtime.name} ${runtime.version}`],
      ["aead", provider.name],
      ...(serverName === undefined ? [] : [["name", serverName] as const]),
    ],
    keyLines: () => keys.keyring.lines(),
    systemLines: () => systemLines(listeners),
    processLines,
    connectionLines: doors?.lines,
    readers: readers ?? undefined,
    onFault,
  });
  receiver = server;
  const isDivided = readers !== null && await startReaders(readers, listeners, receive, toClose);
  const http = wantsHttp(input) ? await openHttp(input, server.sections) : null;
  if (http !== null) toClose.unshift(http);
  if (store !== null) toClose.push({ close: keepSweeping(store) });
  const addresses = listeners.map(({ address }) => formatAddress(address)).join(", ");
  const named = serverName === undefined ? "" : ` (${serverName})`;
  const facts = { addresses, version: VERSION, name: serverName };
  log.info("listening", `kg ${VERSION}${named} listens on ${addresses}`, facts);
  if (doors !== null && doors.places.length > 0) {
    log.info("doors", `doors, not encrypted: ${doors.places.join(", ")}`);
  }
  if (http !== null) log.info("figures", `figures, not encrypted: ${http.places.join(", ")}`);
  if (description !== "") log.info("keys", description);
  const threads = isDivided ? `; readers: ${readerCount}` : "";
  const memory = store === null ? "memory: none of its own" : describeStore(input, store);
  log.info("ready", `${memory}; sealing: ${provider.name} on ${runtime.name}${threads}`);
  const use = (opened: OpenedKeys) => {
    server.setWires(opened.wires);
    readers?.setKeys(opened.keys);
    readers?.collect();
  };
  manager?.ready(`listens on ${addresses}`);
  hangUp.begin([
    () => manager?.reloading(),
    () => keys.reread(use),
    () => doors?.reread(),
    () => manager?.readyAgain(),
  ]);
}

async function makeReaders(options: ReaderThreadsOptions): Promise<ReaderThreads> {
  return new (await import("../runtime/readers/threads.ts")).ReaderThreads(options);
}

/** @returns whether there are readers now; if not, the server answers everything itself */
async function startReaders(
  readers: ReaderThreads,
  listeners: readonly Listener[],
  receive: Receive,
  toClose: Closable[],
): Promise<boolean> {
  toClose.unshift(readers);
  if (await readers.start(listeners, receive)) return true;
  log.warning(
    "steering",
    "this system can't steer datagrams to readers, so one thread answers all",
  );
  return false;
}

function processLines(): Line[] {
  const { user, system } = process.cpuUsage();
  return [
    ["resident_bytes", process.memoryUsage.rss()],
    ["cpu_ms", Math.round((user + system) / 1_000)],
  ];
}

function systemLines(listeners: readonly Listener[]): Line[] {
  const lines: Line[] = [];
  const drops = kernelDrops(listeners.map(({ address }) => address));
  if (drops !== null) lines.push(["dropped_by_kernel", drops]);
  const buffers = listeners.flatMap(({ receiveBufferBytes }) => receiveBufferBytes ?? []);
  if (buffers.length > 0) lines.push(["receive_buffer_bytes", Math.min(...buffers)]);
  return lines;
}

/** A bug costs its own request the answer, and affects no other request. */
function onFault(error: unknown): void {
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  const line = text.replaceAll(/\s*\n\s*/g, " | ");
  log.error("fault", `a bug in kg ${VERSION}, please report it: ${line}`);
}

/** @throws UsageError */
function listenAddressesOf(input: Input): Address[] {
  const texts = input.texts("listen");
  return (texts.length > 0 ? texts : [DEFAULT_SERVER]).map((text) => {
    try {
      return parseAddress(text);
    } catch (error) {
      throw new UsageError(`--listen: ${(error as Error).message}`);
    }
  });
}

/** Listens on every address, or throws. */
async function listenAll(
  wanted: readonly Address[],
  runtime: Runtime,
  receive: Receive,
  listeners: Listener[],
  toClose: Closable[],
): Promise<void> {
  for (const each of wanted) {
    const address = await resolveAddress(each);
    try {
      const listener = await runtime.listen(address, receive);
      listeners.push(listener);
      toClose.push(listener);
    } catch (error) {
      throw new SystemError(`can't listen on ${formatAddress(each)}: ${bindProblem(error)}`);
    }
  }
}

/**
 * Aborted when a signal stops the server, with the signal's name as the reason. The same signal often
 * comes twice, from whoever stops the process and its group; one that comes later ends it at once.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const name of STOP_SIGNALS) {
    const stop = () => {
      firstAtMs ||= performance.now();
      controller.abort(name);
      if (performance.now() - firstAtMs < IMPATIENT_MS) return;
      process.off(name, stop);
      process.kill(process.pid, name);
    };
    process.on(name, stop);
  }
  return controller.signal;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
