/** A server's door for HTTP: the page, /metrics, /healthz and /readyz. */

import { numberIn, type Snapshot } from "../figures/snapshot.ts";
import { Answers } from "../http/answers.ts";
import { History } from "../http/history.ts";
import { listenForHttp } from "../http/listener.ts";
import { makePage } from "../http/page.ts";
import type { StreamListener } from "../runtime/stream_listener.ts";
import type { Section } from "../section.ts";
import type { Input } from "./command.ts";
import { listenAtAll } from "./plain_places.ts";
import { UsageError } from "./usage_error.ts";

/** As OpenTelemetry's exporters for Prometheus have it. */
const DEFAULT_HTTP_PORT = 9464;
const POINT_MS = 1_000;
const ADVICE = "A Prometheus on another machine can ask through a tunnel or a proxy";

export interface Http {
  readonly places: readonly string[];
  close(): void;
}

/**
 * Opens all places that were asked for, or none.
 * @param sections of STATS, by name
 * @throws {UsageError}
 */
export async function openHttp(
  input: Input,
  sections: ReadonlyMap<string, Section>,
): Promise<Http> {
  if (input.texts("http").length === 0) throw new UsageError("--http-host goes with --http");
  const snapshot = (): Snapshot => ({
    atMs: performance.now(),
    sections: new Map([...sections].map(([name, lines]) => [name, Object.fromEntries(lines())])),
  });
  const history = new History();
  const hosts = input.texts("http-host").map((name) => name.toLowerCase());
  const startedAtMs = Date.now() - numberIn(snapshot(), "server", "uptime_ms");
  const answers = new Answers({ page: makePage(), history, snapshot, hosts, startedAtMs });
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
      ...{ listeners, shows: "its figures", advice: ADVICE },
      bind: (address) => listenForHttp(answers, address),
    });
    return { places, close };
  } catch (error) {
    close();
    throw error;
  }
}
