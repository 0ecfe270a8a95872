/** The doors for text of a server: where they are, who may come in, and how many. */

import { Connections } from "../doors/connections.ts";
import type { Conversation } from "../doors/conversation.ts";
import { Keyspace } from "../doors/keyspace.ts";
import { LineConversation } from "../doors/line/conversation.ts";
import { RespConversation } from "../doors/resp/conversation.ts";
import { isLoopback, parseAddress, resolveAddress } from "../runtime/address.ts";
import type { Accept } from "../doors/stream.ts";
import type { Runtime } from "../runtime/runtime.ts";
import {
  listenForStreams,
  LiveSocketError,
  LongPathError,
  type StreamAddress,
  type StreamListener,
  TakenPathError,
} from "../runtime/streams.ts";
import type { Counters, Section } from "../statistics.ts";
import { journaledOf, type JournaledStore } from "../journal/journaled_store.ts";
import type { Store } from "../store/store.ts";
import type { Input, Options } from "./command.ts";
import { bindProblem } from "./bind_problem.ts";
import { parseCount } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_LINE_PORT = 8765;
const DEFAULT_RESP_PORT = 6380;
const DEFAULT_MAX_CONNECTIONS = 1_024;
const MOST_CONNECTIONS = 65_536;
const DEFAULT_SOCKET_MODE = "0600";
const UNIX = "unix:";
/** How often it is looked for connections that have held something for too long. */
const SWEEP_MS = 1_000;

export const DOOR_OPTIONS = {
  line: {
    type: "string",
    multiple: true,
    value: "WHERE",
    help: "a protocol of lines at HOST:PORT or unix:PATH; repeat it for more",
  },
  resp: {
    type: "string",
    multiple: true,
    value: "WHERE",
    help: "what Redis clients speak, at HOST:PORT or unix:PATH; repeat it for more",
  },
  "plaintext-ok": {
    type: "boolean",
    help: "let those two, which nothing encrypts, listen to the network",
  },
  "socket-mode": {
    type: "string",
    value: "MODE",
    help: `who may connect at a unix:PATH, as chmod takes it (default: ${DEFAULT_SOCKET_MODE})`,
  },
  "max-connections": {
    type: "string",
    value: "NUMBER",
    help: `the most at a time through those two (default: ${DEFAULT_MAX_CONNECTIONS})`,
  },
} as const satisfies Options;

export interface Doors {
  /** What they are and where, for people. */
  readonly places: readonly string[];
  /** What STATS tells of the connections through them; undefined if there are none. */
  readonly lines: Section | undefined;
  close(): void;
}

/**
 * Opens every door that was asked for, or none.
 * @throws UsageError
 */
export async function openDoors(
  input: Input,
  runtime: Runtime,
  store: Store | JournaledStore,
  counters: Counters,
  now: () => number,
): Promise<Doors> {
  const maxConnections = maxConnectionsOf(input);
  const connections = new Connections({
    maxConnections,
    now,
    journaled: journaledOf(store),
  });
  const keyspace = new Keyspace(store, counters, now, Date.now);
  const listeners: StreamListener[] = [];
  const timer = setInterval(() => connections.sweep(), SWEEP_MS);
  const close = () => {
    clearInterval(timer);
    for (const listener of listeners) listener.close();
    connections.closeAll();
  };
  const open = (option: "line" | "resp", port: number, converse: () => Conversation) =>
    listenAtAll(input, runtime, option, port, connections.door(converse), listeners);
  try {
    const places = [
      ...await open(
        "line",
        DEFAULT_LINE_PORT,
        () => new LineConversation(keyspace, connections.replies),
      ),
      ...await open("resp", DEFAULT_RESP_PORT, () => new RespConversation(keyspace, connections)),
    ];
    return { places, lines: places.length > 0 ? () => connections.lines() : undefined, close };
  } catch (error) {
    close();
    throw error;
  }
}

function maxConnectionsOf(input: Input): number {
  const text = input.text("max-connections") ?? String(DEFAULT_MAX_CONNECTIONS);
  return parseCount("--max-connections", text, 1, MOST_CONNECTIONS);
}

/** @returns where, for people */
async function listenAtAll(
  input: Input,
  runtime: Runtime,
  option: "line" | "resp",
  defaultPort: number,
  accept: Accept,
  listeners: StreamListener[],
): Promise<string[]> {
  const places: string[] = [];
  for (const text of input.texts(option)) {
    const address = await addressOf(input, option, text, defaultPort);
    try {
      const listener = await listenForStreams(runtime, address, accept, socketModeOf(input));
      listeners.push(listener);
      places.push(`${option} at ${listener.name}`);
    } catch (error) {
      throw new UsageError(`can't listen at --${option} ${text}: ${problemOf(error)}`);
    }
  }
  return places;
}

async function addressOf(
  input: Input,
  option: string,
  text: string,
  defaultPort: number,
): Promise<StreamAddress> {
  if (text === UNIX) throw new UsageError(`--${option} ${text} lacks a path: unix:/run/kg.sock`);
  if (text.startsWith(UNIX)) return { path: text.slice(UNIX.length) };
  const address = await resolveAddress(parseAddress(text, defaultPort));
  if (isLoopback(address.host) || input.flag("plaintext-ok")) return address;
  throw new UsageError(
    `--${option} ${text} would let keys and values cross the network unencrypted. Other machines ` +
      "reach this store by the encrypted wire (--listen, and kg or the library there); for " +
      `programs of this machine use --${option} 127.0.0.1:${address.port} or ` +
      `--${option} unix:/run/kg.sock. If the network is yours alone, add --plaintext-ok.`,
  );
}

function socketModeOf(input: Input): number {
  const text = input.text("socket-mode") ?? DEFAULT_SOCKET_MODE;
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(`--socket-mode ${text} is not a mode: write 0600, 0660 or 0666`);
}

function problemOf(error: unknown): string {
  if (error instanceof LiveSocketError) {
    return "another server answers at it; choose another path, or stop that one";
  }
  if (error instanceof TakenPathError) return "it is in use by something else; choose another path";
  if (error instanceof LongPathError) return "the path is too long for a socket; choose a shorter";
  return bindProblem(error);
}
