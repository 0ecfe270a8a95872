/** A server before an engine or other servers: opens what is behind it. */

import { readFileSync } from "node:fs";
import { KilogramExecutor } from "../backends/kilogram/executor.ts";
import type { LaterExecutor } from "../backends/later_executor.ts";
import { type EngineAddress, parseEngineAddress } from "../backends/redis/address.ts";
import { Engine } from "../backends/redis/engine.ts";
import { EngineCounts } from "../backends/redis/engine_counts.ts";
import { RedisExecutor } from "../backends/redis/executor.ts";
import { openDestination } from "../connect.ts";
import type { Destination } from "../protocol/destination.ts";
import { Operation } from "../protocol/frame.ts";
import { requestOf } from "../requests.ts";
import { parseServerList } from "../server_list.ts";
import { formatAddress, parseAddress } from "../runtime/address.ts";
import { readServerUrl } from "../server_url.ts";
import { makeAlarm } from "../runtime/alarm.ts";
import { DEFAULT_ENGINE_PORT, dialEngine } from "../runtime/engine_dial.ts";
import { backendTimeoutMsOf } from "./backend_options.ts";
import { cryptoChoice, spreadOf } from "./client_options.ts";
import type { Input } from "./command.ts";
import { requireKey } from "./key_source.ts";
import { log } from "./log.ts";
import { readSecret } from "./secret_file.ts";
import type { Opened } from "./serve_store.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

/** How long a server waits for its engine when it starts. */
const START_MS = 10_000;
const LOOK_MS = 20;
/** After so long it says that it waits. */
const SAY_MS = 500;
/** How often other servers are asked whether they are there. */
const PROBE_MS = 1_000;
const KG = "kg://";

/** @throws UsageError if it can't be used, and will not be by itself; SystemError if it is not there */
export async function openBackend(
  input: Input,
  url: string,
  now: () => number,
  signal: AbortSignal,
): Promise<Opened> {
  return url.startsWith(KG)
    ? await openServers(input, url, now)
    : await openEngine(input, url, now, signal);
}

async function openServers(input: Input, url: string, now: () => number): Promise<Opened> {
  if (input.text("backend-ca") !== undefined || input.text("backend-password-file") !== undefined) {
    throw new UsageError("--backend-ca and --backend-password-file go with a backend of redis");
  }
  if (readServerUrl(url).onDown === "miss") {
    throw new UsageError("a gateway says when a server is down: it takes no onDown=miss");
  }
  const spread = spreadOf(input, "backend-spread") ?? readServerUrl(url).spread;
  const isAny = (spread ?? process.env.KG_SPREAD) === "any";
  parseServerList(url, isAny ? "any" : "keys", "--backend-spread any");
  const { key } = requireKey(input.text("backend-key-file") ?? input.text("key-file"));
  const { destination, close } = await openDestination(url, {
    key,
    crypto: cryptoChoice(input),
    onDown: "error",
    spread,
  });
  const timeoutMs = backendTimeoutMsOf(input);
  const executor = new KilogramExecutor({ destination, timeoutMs, now });
  const stopProbing = keepProbing(destination, timeoutMs);
  const end = () => {
    stopProbing();
    destination.close();
    close();
  };
  return opened(executor, `keys: at ${url.slice(KG.length)}`, timeoutMs, end);
}

/** Asks all servers now and then, so that it is known which are there, and logs when one comes or goes. */
function keepProbing({ servers }: Destination, timeoutMs: number): () => void {
  const wasDown = new Map(servers.map((server) => [server, false]));
  const request = requestOf(Operation.PING, new Uint8Array(0));
  const timer = setInterval(() => {
    for (const server of servers) {
      const { name, address, isDown } = server.state;
      if (isDown !== wasDown.get(server)) {
        const server = name ?? address;
        if (isDown) log.warning("server_down", `server ${server}: it does not answer`, { server });
        else log.info("server_up", `server ${server}: it is there`, { server });
      }
      wasDown.set(server, isDown);
      if (!isDown) void server.call(request, { timeoutMs }).catch(() => {});
    }
  }, PROBE_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function openEngine(
  input: Input,
  url: string,
  now: () => number,
  signal: AbortSignal,
): Promise<Opened> {
  for (const option of ["backend-key-file", "backend-spread"]) {
    if (input.text(option) === undefined) continue;
    throw new UsageError(`--${option} goes with a backend of kg://`);
  }
  const address = withPassword(parseEngineAddress(url), input.text("backend-password-file"));
  const { isTls, user, password } = address;
  // With their ports, as messages have them.
  const hosts = address.hosts.map((host) => formatAddress(parseAddress(host, DEFAULT_ENGINE_PORT)));
  if (user !== undefined && password === undefined) {
    // What is there may be the password: it is not repeated.
    throw new UsageError(
      "the backend's URL has a user and no password: write redis://USER:PASSWORD@HOST in KG_BACKEND, " +
        "redis://:PASSWORD@HOST for the default user, or give --backend-password-file",
    );
  }
  const ca = caOf(input, isTls);
  const time = { now, makeAlarm };
  const timeoutMs = backendTimeoutMsOf(input);
  const engine = new Engine({
    ...{ seeds: hosts, user, password, time },
    log: (text, isProblem) => (isProblem ? log.warning : log.info)("engine", text),
    mute: isTls
      ? "the TLS handshake is not answered: is it redis:// without s?"
      : "it does not reply to anything",
    timeoutMs,
    dial: dialEngine(isTls ? { ca } : null),
    defer: (run) => void setImmediate(run),
  });
  try {
    await untilThere(engine, signal);
  } catch (error) {
    engine.close();
    throw error;
  }
  const executor = new RedisExecutor(engine, new EngineCounts(engine, time), now);
  const scheme = isTls ? "rediss" : "redis";
  const description = `keys: in ${scheme}://${hosts.join(",")}`;
  return opened(executor, description, timeoutMs, () => engine.close());
}

function opened(
  executor: LaterExecutor,
  description: string,
  timeoutMs: number,
  end: () => void,
): Opened {
  return {
    executor,
    store: null,
    description,
    // What is under way is still answered, what comes now is refused.
    async flush() {
      const patience = new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
      await Promise.race([executor.drain(), patience]);
    },
    close: () => Promise.resolve(end()),
  };
}

/** A file's text is the password, or USER:PASSWORD. */
function withPassword(address: EngineAddress, path: string | undefined): EngineAddress {
  if (path === undefined) return address;
  const text = readSecret(path, "password").replace(/\r?\n$/, "");
  const colon = text.indexOf(":");
  return colon < 0
    ? { ...address, password: text }
    : { ...address, user: text.slice(0, colon) || undefined, password: text.slice(colon + 1) };
}

function caOf(input: Input, isTls: boolean): string | undefined {
  const path = input.text("backend-ca");
  if (path === undefined) return undefined;
  if (!isTls) throw new UsageError("--backend-ca goes with rediss://");
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new SystemError(`can't read ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Waits until the engine can be used. */
async function untilThere(engine: Engine, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + START_MS;
  let isSaid = false;
  while (engine.outage !== null && !signal.aborted) {
    const { fatalProblem, outage } = engine;
    if (fatalProblem !== null) throw new UsageError(`the backend: ${fatalProblem}`);
    if (!isSaid && performance.now() > untilMs - START_MS + SAY_MS) {
      isSaid = true;
      log.info("waiting", `engine: waiting for it, up to ${START_MS / 1_000} s`);
    }
    if (performance.now() > untilMs) {
      throw new SystemError(`the backend does not answer: ${outage}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
