import { styleText } from "node:util";
import type { Calls } from "../client.ts";
import { type Figures, figuresOf, isRestarted, type Snapshot } from "../figures/snapshot.ts";
import { CLIENT_OPTIONS } from "./client_options.ts";
import { type Command, Exit, type Input } from "./command.ts";
import { cut } from "./cut.ts";
import { atEachServer, reportErrors, serverNames } from "./each_server.ts";
import { COUNT_OPTION, countOf, INTERVAL_OPTION, intervalMsOf } from "./interval_options.ts";
import { complain, print, printJson } from "./output.ts";
import { pause } from "./pause.ts";
import { Screen } from "./screen.ts";
import { readSnapshot } from "./sections_of.ts";
import { type Look, screenOf } from "./top_screen.ts";
import { tableHead, tableRow } from "./top_table.ts";
import { withClient } from "./with_client.ts";

const DEFAULT_INTERVAL = "1s";
/** As wide as a terminal may be, or wider. */
const MAX_HISTORY = 512;

export const command: Command = {
  summary: "show what a server does, again and again",
  parameters: "",
  arity: [0, 0],
  details:
    "On a terminal it draws until q or Ctrl-C; to a pipe it prints a line each time. Times are those\n" +
    "in the server, from the arrival of a datagram to its answer, without the network; they are\n" +
    "known to within a fifth. Of several servers it shows a line each.",
  options: { ...INTERVAL_OPTION(DEFAULT_INTERVAL), ...COUNT_OPTION, ...CLIENT_OPTIONS },
  examples: ["kg top", "kg top --interval 5s", "kg top --count 10 --json", "kg top | tee load.txt"],

  async run(input) {
    const intervalMs = intervalMsOf(input, DEFAULT_INTERVAL);
    const count = countOf(input);
    return await withClient(input, async (kv) => {
      // A server that is not there is told at once, and not drawn.
      const first = await readAll(kv);
      if (first.results.size === 0) {
        return reportErrors("top", kv, first.errors, input.flag("json"));
      }
      const view = viewOf(input, serverNames(kv));
      try {
        await watch(kv, new Watched(first.results), view, { intervalMs, count });
      } finally {
        view.close();
      }
      return Exit.DONE;
    }, { onDown: "error" });
  },
};

const readAll = (kv: Calls<true>) =>
  atEachServer(kv, (one) => readSnapshot(one, () => performance.now()));

/** How it is shown. */
interface View {
  readonly left?: AbortSignal;
  /** @returns false if the reader went away */
  show(looks: readonly (Look | string)[]): boolean;
  close(): void;
}

async function watch(
  kv: Calls<true>,
  watched: Watched,
  view: View,
  { intervalMs, count }: { readonly intervalMs: number; readonly count: number },
): Promise<void> {
  for (let shown = 0; shown < count && !view.left?.aborted; shown++) {
    await pause(intervalMs, view.left);
    if (view.left?.aborted) return;
    const { results } = await readAll(kv);
    const looks = serverNames(kv).map((server) => watched.look(server, results.get(server)));
    if (!view.show(looks)) return;
  }
}

/** What is remembered of each server from one moment to the next. */
class Watched {
  readonly #before: Map<string, Snapshot>;
  readonly #histories = new Map<string, number[]>();

  constructor(first: ReadonlyMap<string, Snapshot>) {
    this.#before = new Map(first);
  }

  /** @returns the server's name if it does not answer, or has just begun to */
  look(server: string, now: Snapshot | undefined): Look | string {
    const before = this.#before.get(server);
    if (now === undefined) this.#before.delete(server);
    else this.#before.set(server, now);
    if (now === undefined || before === undefined || isRestarted(before, now)) return server;
    const figures = figuresOf(before, now);
    const history = this.#histories.get(server) ?? [];
    history.push(figures.operationsPerSecond);
    if (history.length > MAX_HISTORY) history.shift();
    this.#histories.set(server, history);
    return { server, before, now, figures, history };
  }
}

function viewOf(input: Input, servers: readonly string[]): View {
  if (input.flag("json")) return new JsonView();
  return process.stdout.isTTY ? new ScreenView(servers) : new LineView(servers);
}

class ScreenView implements View {
  readonly #screen = new Screen();
  readonly left = this.#screen.left;
  readonly #isOne: boolean;

  constructor(servers: readonly string[]) {
    this.#isOne = servers.length === 1;
    this.#screen.draw(["measuring …"]);
  }

  show(looks: readonly (Look | string)[]): boolean {
    const { columns, rows } = this.#screen;
    const [first] = looks;
    if (!this.#isOne) this.#screen.draw(tableOf(looks, columns, rows));
    else if (typeof first === "string") this.#screen.draw([cut(`${first}: no answer`, columns)]);
    else this.#screen.draw(bold(screenOf(first, columns, rows)));
    return true;
  }

  close(): void {
    this.#screen.close();
  }
}

const bold = ([first, ...rest]: readonly string[]) => [styleText("bold", first), ...rest];

function tableOf(looks: readonly (Look | string)[], width: number, height: number): string[] {
  const names = looks.map((look) => typeof look === "string" ? look : look.server);
  const nameWidth = Math.max(...names.map(({ length }) => length), "server".length);
  const rows = looks.map((look, i) =>
    `${names[i].padEnd(nameWidth)} ${tableRow(typeof look === "string" ? null : look.figures)}`
  );
  const all = [`${"server".padEnd(nameWidth)} ${tableHead}`, ...rows].slice(0, height);
  return bold(all.map((line) => cut(line, width)));
}

class LineView implements View {
  readonly #nameWidth: number;

  constructor(servers: readonly string[]) {
    const isOne = servers.length === 1;
    this.#nameWidth = isOne ? 0 : Math.max(...servers.map(({ length }) => length), 6) + 1;
    print(`${"time".padEnd(9)}${"server".slice(0, this.#nameWidth).padEnd(this.#nameWidth)}`);
    print(`${tableHead}\n`);
  }

  show(looks: readonly (Look | string)[]): boolean {
    const time = new Date().toTimeString().slice(0, 8);
    const lines = looks.map((look) => {
      const isThere = typeof look !== "string";
      const name = (isThere ? look.server : look).slice(0, this.#nameWidth);
      const row = tableRow(isThere ? look.figures : null);
      return `${time.padEnd(9)}${name.padEnd(this.#nameWidth)}${row}\n`;
    });
    return print(lines.join(""));
  }

  close(): void {}
}

class JsonView implements View {
  show(looks: readonly (Look | string)[]): boolean {
    return looks.every((look) => {
      if (typeof look !== "string") {
        return printJson({ atMs: Date.now(), server: look.server, ...rounded(look.figures) });
      }
      complain(`kg top: ${look}: no answer`);
      return true;
    });
  }

  close(): void {}
}

/** With three digits behind the point, and null for what is not known. */
function rounded(figures: Figures): Record<string, unknown> {
  const replace = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toFixed(3)) : value;
  return JSON.parse(JSON.stringify(figures, replace));
}
