/** CONFIG GET: the settings that libraries and tools ask for, as far as they mean something here. */

import { MAX_STORED_BYTES } from "../../store/store.ts";
import { type Command, type Context, NO_KEYS, type Subcommand } from "./context.ts";
import { bulk, error, map } from "./forms.ts";
import { Glob, MAX_PATTERN_BYTES } from "./glob.ts";
import { performSubcommand, tellHelp } from "./subcommands.ts";

const SETTINGS: Readonly<Record<string, (context: Context) => string | number>> = {
  appendonly: () => "no",
  databases: () => 1,
  maxclients: ({ connections }) => connections.most,
  maxmemory: ({ keyspace }) => keyspace.counts.limitBytes,
  "proto-max-bulk-len": () => MAX_STORED_BYTES,
  save: () => "",
  timeout: () => 0,
};

function get(context: Context): void {
  const { request, replies } = context;
  const globs: Glob[] = [];
  for (let i = 2; i < request.count; i++) {
    // No setting has a longer name.
    if (request.lengthOf(i) > MAX_PATTERN_BYTES) continue;
    globs.push(new Glob(request.latin1(i).toLowerCase()));
  }
  const isWanted = (name: string) => globs.some((glob) => glob.matches(name));
  const wanted = Object.entries(SETTINGS).filter(([name]) => isWanted(name));
  map(context, wanted.length);
  for (const [name, tell] of wanted) {
    bulk(replies, name);
    bulk(replies, String(tell(context)));
  }
}

const HELP = ["GET <pattern> ...", "    Settings whose names match."];

const CONFIG: ReadonlyMap<string, Subcommand> = new Map([
  ["get", { arity: -3, run: get }],
  ["set", {
    arity: -4,
    run: ({ replies }: Context) => error(replies, "ERR settings are the options of kg serve"),
  }],
  ["help", { arity: 2, run: (context: Context) => tellHelp(context, "CONFIG", HELP) }],
]);

export const configCommands: readonly Command[] = [
  {
    name: "config",
    arity: -2,
    flags: ["admin", "noscript", "loading", "stale"],
    keys: NO_KEYS,
    subcommands: CONFIG,
    run: (context) => performSubcommand(context, "config", CONFIG),
  },
];
