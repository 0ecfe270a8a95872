/** What the door for HTTP answers: pure, without a socket. */

import type { Snapshot } from "../figures/snapshot.ts";
import { FIGURE_NAMES, type History } from "./history.ts";
import { isOwnHost } from "./host.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import { type Page, PAGE_TYPE } from "./page.ts";
import { problemOf } from "./readiness.ts";

export interface Asked {
  readonly method: string;
  /** The path, with its query. */
  readonly url: string;
  readonly host: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AnswersOptions {
  readonly page: Page;
  readonly history: History;
  readonly snapshot: () => Snapshot;
  readonly isStopping: () => boolean;
  /** When the server was started, since 1970, in ms. */
  readonly startedAtMs: number;
  /** Names, in lower case, that a request may give as its host. */
  readonly hosts: readonly string[];
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

/** Nothing may be kept, framed, or taken for something else. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
} as const;

export class Answers {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  answer({ method, url, host }: Asked): Answer {
    const { hosts } = this.#options;
    if (!isOwnHost(host, hosts)) {
      return plain(
        421,
        "This name is not one of this server's: use its address, or allow the name with --http-host.",
      );
    }
    if (method !== "GET") return { ...plain(405, "GET alone is answered here."), ...ALLOW };
    const [path, query = ""] = url.split("?", 2);
    switch (path) {
      case "/":
        return this.#page();
      case "/metrics":
        return this.#metrics();
      case "/healthz":
        return plain(200, "ok");
      case "/readyz":
        return this.#readiness();
      case "/figures.json":
        return this.#figures(new URLSearchParams(query).get("after"));
      default:
        return plain(404, "There are /, /metrics, /healthz and /readyz.");
    }
  }

  #page(): Answer {
    const { html, contentPolicy } = this.#options.page;
    const headers = { "content-type": PAGE_TYPE, "content-security-policy": contentPolicy };
    return { status: 200, headers: { ...HEADERS, ...headers }, body: html };
  }

  #metrics(): Answer {
    const { snapshot, startedAtMs } = this.#options;
    return made(200, METRICS_TYPE, metricsText(snapshot(), startedAtMs));
  }

  #readiness(): Answer {
    const { isStopping, snapshot } = this.#options;
    const problem = isStopping() ? "it is stopping" : problemOf(snapshot());
    return problem === null ? plain(200, "ready") : plain(503, `Not ready: ${problem}.`);
  }

  #figures(after: string | null): Answer {
    const { snapshot, history } = this.#options;
    const now = snapshot();
    const { version, runtime, aead, name, uptime_ms: uptimeMs } = now.sections.get("server") ?? {};
    const body = JSON.stringify({
      server: { version, runtime, aead, name, uptimeMs },
      problem: problemOf(now),
      names: FIGURE_NAMES,
      latest: history.latest(now),
      points: history.after(Number(after ?? 0) || 0),
    });
    return made(200, JSON_TYPE, body);
  }
}

const ALLOW = { headers: { ...HEADERS, "content-type": TEXT, allow: "GET" } } as const;

const plain = (status: number, text: string): Answer => made(status, TEXT, `${text}\n`);

function made(status: number, type: string, body: string): Answer {
  return { status, headers: { ...HEADERS, "content-type": type }, body };
}
