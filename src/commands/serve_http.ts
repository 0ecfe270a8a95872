/** A server's door for HTTP: the page, /metrics, /healthz and /readyz. */

import { numberIn, type Snapshot } from "../figures/snapshot.ts";
import { Answers } from "../http/answers.ts";
import { History } from "../http/history.ts";
import { listenForHttp } from "../http/listener.ts";
import { makePage } from "../http/page.ts";
import type { StreamListener } from "../runtime/stream_listener.ts";
import type { Section } from "../section.ts";
import type { Input } from "./command.ts";
import { checkPlaces, listenAtAll } from "./plain_places.ts";
import { UsageError } from "./usage_error.ts";

/** As OpenTelemetry's exporters for Prometheus have it. */
const DEFAULT_HTTP_PORT = 9464;
const POINT_MS = 1_000;
/** How old what is told may be. */
const SNAPSHOT_MS = 100;
const WORDS = {
  shows: "its figures",
  advice: "A Prometheus on another machine can ask through a tunnel or a proxy",
} as const;
/** As isOwnHost compares it: without a scheme, a port, or a point at the end. */
const HOST_NAME = /^[\w-]+(\.[\w-]+)*$/;

export interface Http {
  readonly places: readonly string[];
  close(): void;
}

/** @throws {UsageError} for a place where it may not be, or what is no name */
export async function checkHttp(input: Input): Promise<void> {
  if (input.texts("http").length === 0) throw new UsageError("--http-host goes with --http");
  for (const name of input.texts("http-host")) {
    if (HOST_NAME.test(name)) continue;
    throw new UsageError(
      `--http-host ${name}: a name alone, such as cache-1.example, without a port`,
    );
  }
  await checkPlaces(input, "http", DEFAULT_HTTP_PORT, WORDS);
}

/**
 * Opens all places that were asked for, which checkHttp has seen, or none.
 * @param sections of STATS, by name
 * @param stopping aborted when the server stops
 * @throws {SystemError}
 */
export async function openHttp(
  input: Input,
  sections: ReadonlyMap<string, Section>,
  stopping: AbortSignal,
): Promise<Http> {
  const snapshot = snapshotsOf(sections);
  const history = new History();
  const hosts = input.texts("http-host").map((name) => name.toLowerCase());
  const startedAtMs = Date.now() - numberIn(snapshot(), "server", "uptime_ms");
  const answers = new Answers({
    ...{ page: makePage(), history, snapshot, hosts, startedAtMs },
    isStopping: () => stopping.aborted,
  });
  const addPoint = () => history.add(snapshot(), Date.now());
  addPoint();
  const timer = setInterval(addPoint, POINT_MS);
  const listeners: StreamListener[] = [];
  const close = () => {
    clearInterval(timer);
    for (const listener of listeners) listener.close();
  };
  try {
    const places = await listenAtAll(input, "http", DEFAULT_HTTP_PORT, {
      ...{ listeners, ...WORDS },
      bind: (address) => listenForHttp(answers, address),
    });
    return { places, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What the sections tell, made anew at most ten times a second, however often it is asked for. */
function snapshotsOf(sections: ReadonlyMap<string, Section>): () => Snapshot {
  let last: Snapshot | null = null;
  return () => {
    const atMs = performance.now();
    if (last !== null && atMs - last.atMs < SNAPSHOT_MS) return last;
    const told = [...sections].map(([name, lines]) => [name, Object.fromEntries(lines())] as const);
    last = { atMs, sections: new Map(told) };
    return last;
  };
}
