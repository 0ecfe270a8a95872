/** Puts a server together from its parts. Optional parts are loaded only when they are asked for. */

import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import type { Receive } from "../protocol/socket.ts";
import { type Address, formatAddress } from "../runtime/address.ts";
import { chooseCrypto, detectRuntime } from "../runtime/detect.ts";
import type { ReaderThreads } from "../runtime/readers/threads.ts";
import type { Listener, Runtime } from "../runtime/runtime.ts";
import { SampledExecutor } from "../sampling/sampled_executor.ts";
import { Samples } from "../sampling/samples.ts";
import type { Line, Section } from "../section.ts";
import { Server, type ServerOptions } from "../server.ts";
import { Counters } from "../statistics.ts";
import { VERSION } from "../version.ts";
import { cryptoChoice } from "./client_options.ts";
import type { Input } from "./command.ts";
import { wantsDoors } from "./door_options.ts";
import type { HangUp } from "./hang_up.ts";
import { wantsHttp } from "./http_options.ts";
import { log } from "./log.ts";
import { pollers } from "./reader_options.ts";
import type { DoorPorts, Doors } from "./serve_doors.ts";
import type { Http } from "./serve_http.ts";
import { checkSkvs, type OpenedKeys, ServerKeys, serverNameOf } from "./serve_keys.ts";
import { listenAll, systemLines } from "./serve_listen.ts";
import { describeStore, keepSweeping, type Opened } from "./serve_store.ts";
import type { ServiceManager } from "./service_manager.ts";

export interface Closable {
  close(): void | Promise<void>;
}

export interface Serving {
  readonly now: () => number;
  readonly readers: number;
  readonly pollMs: number;
  readonly hangUp: HangUp;
  readonly addresses: readonly Address[];
  readonly manager: ServiceManager | null;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

/** What the parts of a server have in common. */
interface Parts extends Serving {
  readonly input: Input;
  readonly store: Opened["store"];
  readonly runtime: Runtime;
  readonly provider: CryptoProvider;
  readonly counters: Counters;
  readonly samples: Samples;
  readonly executor: SampledExecutor;
  readonly serverName: string | undefined;
}

/** Opens everything, or throws; the caller closes `toClose` in either case. */
export async function start(
  input: Input,
  opened: Opened,
  serving: Serving,
  toClose: Closable[],
): Promise<void> {
  const parts = await partsOf(input, opened, serving);
  const { runtime, provider, counters, executor, serverName, now, manager } = parts;
  const doors = wantsDoors(input)
    ? await openDoors(input, runtime, { executor, counters, now, onFault })
    : null;
  if (doors !== null) toClose.push(doors);
  const listeners: Listener[] = [];
  let receiver: Server | null = null;
  const receive = receiveWith(executor, () => receiver);
  // First, so that no key is made for a server that can't listen.
  await listenAll(serving.addresses, runtime, receive, listeners, toClose);
  const keys = new ServerKeys(input, provider, counters, now);
  const { wires, keys: accepted } = await keys.open();
  const readers = await makeReaders(parts, accepted);
  const server = makeServer(parts, {
    wires,
    keyLines: () => keys.keyring.lines(),
    systemLines: () => systemLines(listeners),
    connectionLines: doors?.lines,
    readers: readers ?? undefined,
  });
  receiver = server;
  const isDivided = readers !== null && await startReaders(readers, listeners, receive, toClose);
  const http = wantsHttp(input) ? await openHttp(input, server.sections, serving.stopping) : null;
  if (http !== null) toClose.unshift(http);
  if (opened.store !== null) toClose.push({ close: keepSweeping(opened.store) });
  const addresses = listeners.map(({ address }) => formatAddress(address)).join(", ");
  announce({
    ...{ addresses, name: serverName, doors, http, description: opened.description },
    memory: opened.store === null ? "memory: none of its own" : describeStore(input, opened.store),
    sealing: `sealing: ${provider.name} on ${runtime.name}`,
    readers: isDivided ? serving.readers : 0,
  });
  const use = (opened: OpenedKeys) => {
    server.setWires(opened.wires);
    readers?.setKeys(opened.keys);
    readers?.collect();
  };
  manager?.ready(`listens on ${addresses}`);
  serving.hangUp.begin([
    () => manager?.reloading(),
    () => keys.reread(use),
    () => doors?.reread(),
    () => manager?.readyAgain(),
  ]);
}

async function partsOf(
  input: Input,
  { executor: unsampled, store }: Opened,
  serving: Serving,
): Promise<Parts> {
  const runtime = await detectRuntime();
  const provider = await chooseCrypto(cryptoChoice(input));
  const steadyNow = () => performance.now();
  const samples = new Samples(steadyNow);
  const executor = new SampledExecutor(unsampled, samples, steadyNow);
  const serverName = serverNameOf(input);
  const counters = new Counters();
  return { ...serving, input, store, runtime, provider, counters, samples, executor, serverName };
}

/** @param server null until there is one: what comes before gets no answer, and comes again */
function receiveWith(executor: SampledExecutor, server: () => Server | null): Receive {
  return (arrivals, socket) => {
    executor.arrive(arrivals.count);
    try {
      server()?.receive(arrivals, socket);
    } finally {
      executor.handled();
    }
  };
}

type Lines = Pick<
  ServerOptions,
  "wires" | "keyLines" | "systemLines" | "connectionLines" | "readers"
>;

function makeServer(parts: Parts, lines: Lines): Server {
  const { executor, now, provider, counters, runtime, serverName } = parts;
  return new Server({
    ...lines,
    ...{ executor, now, counters, processLines, onFault },
    fillRandom: provider.fillRandom,
    facts: [
      ["version", VERSION],
      ["runtime", `${runtime.name} ${runtime.version}`],
      ["aead", provider.name],
      ...(serverName === undefined ? [] : [["name", serverName] as const]),
    ],
  });
}

/** Null if the server's thread answers everything. */
async function makeReaders(
  { input, store, readers: count, pollMs, now, counters, samples, executor, serverName }: Parts,
  accepted: OpenedKeys["keys"],
): Promise<ReaderThreads | null> {
  if (count === 0 || store === null) return null;
  const { ReaderThreads } = await import("../runtime/readers/threads.ts");
  const readers = new ReaderThreads({
    ...{ count, store: store.shared, serverName, pollMs, now, counters, onFault },
    onSample: (sample) => samples.note(sample),
    crypto: cryptoChoice(input),
    isFresh: !executor.isDurable,
    pollers: pollers(),
  });
  readers.setKeys(accepted);
  return readers;
}

interface Announced {
  readonly addresses: string;
  readonly name: string | undefined;
  readonly doors: Doors | null;
  readonly http: Http | null;
  /** Of where the keys are; "" for in memory. */
  readonly description: string;
  readonly memory: string;
  readonly sealing: string;
  readonly readers: number;
}

/** Logs where the server is, and with what. */
function announce({ addresses, name, doors, http, description, ...rest }: Announced): void {
  const named = name === undefined ? "" : ` (${name})`;
  const facts = { addresses, version: VERSION, name };
  log.info("listening", `kg ${VERSION}${named} listens on ${addresses}`, facts);
  if (doors !== null && doors.places.length > 0) {
    log.info("doors", `doors, not encrypted: ${doors.places.join(", ")}`);
  }
  if (http !== null) log.info("figures", `figures, not encrypted: ${http.places.join(", ")}`);
  if (description !== "") log.info("keys", description);
  const threads = rest.readers > 0 ? `; readers: ${rest.readers}` : "";
  log.info("ready", `${rest.memory}; ${rest.sealing}${threads}`);
}

/** Looks at what can be wrong before a folder is loaded and a key is made. @throws {UsageError} */
export async function checkOptions(input: Input): Promise<void> {
  serverNameOf(input);
  checkSkvs(input);
  if (wantsDoors(input)) await (await import("./serve_doors.ts")).checkDoors(input);
  if (wantsHttp(input)) await (await import("./serve_http.ts")).checkHttp(input);
}

async function openDoors(input: Input, runtime: Runtime, ports: DoorPorts): Promise<Doors> {
  return await (await import("./serve_doors.ts")).openDoors(input, runtime, ports);
}

async function openHttp(
  input: Input,
  sections: ReadonlyMap<string, Section>,
  stopping: AbortSignal,
): Promise<Http> {
  return await (await import("./serve_http.ts")).openHttp(input, sections, stopping);
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

/** A bug costs its own request the answer, and affects no other request. */
function onFault(error: unknown): void {
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  const line = text.replaceAll(/\s*\n\s*/g, " | ");
  log.error("fault", `a bug in kg ${VERSION}, please report it: ${line}`);
}
