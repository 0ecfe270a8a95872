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
import { readServerUrl } from "../server_url.ts";
import { makeAlarm } from "../runtime/alarm.ts";
import { dialEngine } from "../runtime/engine_dial.ts";
import { backendTimeoutMsOf } from "./backend_options.ts";
import { cryptoChoice, spreadOf } from "./client_options.ts";
import type { Input } from "./command.ts";
import { readSecret, requireKey } from "./key_source.ts";
import { complain } from "./output.ts";
import type { Opened } from "./serve_store.ts";
import { UsageError } from "./usage_error.ts";

/** How long a server waits for its engine when it starts. */
const START_MS = 10_000;
const LOOK_MS = 20;
/** After so long it says that it waits. */
const SAY_MS = 500;
/** How often other servers are asked whether they are there. */
const PROBE_MS = 1_000;
const KG = "kg://";

/** @throws UsageError if it can't be used, and will not be by itself */
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
  const { key } = requireKey(input.text("backend-key-file") ?? input.text("key-file"));
  const { destination, close } = await openDestination(url, {
    key,
    crypto: cryptoChoice(input),
    onDown: "error",
    spread: spreadOf(input, "backend-spread"),
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
        complain(`server ${name ?? address}: ${isDown ? "it does not answer" : "it is there"}`);
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
  const { hosts, isTls, user, password } = address;
  const ca = caOf(input, isTls);
  const time = { now, makeAlarm };
  const timeoutMs = backendTimeoutMsOf(input);
  const engine = new Engine({
    ...{ seeds: hosts, user, password, time, log: complain },
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
    throw new UsageError(`can't read ${path} (${(error as NodeJS.ErrnoException).code})`);
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
      complain(`engine: waiting for it, up to ${START_MS / 1_000} s`);
    }
    if (performance.now() > untilMs) throw new UsageError(`the backend does not answer: ${outage}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
