/** A server's text doors: where they listen, who may connect, and how many connections. */

import { Connections } from "../doors/connections.ts";
import type { Conversation } from "../doors/conversation.ts";
import { Keyspace } from "../doors/keyspace.ts";
import { LineConversation } from "../doors/line/conversation.ts";
import { RespConversation } from "../doors/resp/conversation.ts";
import { RespDoor } from "../doors/resp/door.ts";
import { Password } from "../doors/resp/password.ts";
import { isLoopback, parseAddress, resolveAddress } from "../runtime/address.ts";
import type { Accept } from "../stream.ts";
import { descriptorLimit } from "../runtime/descriptor_limit.ts";
import type { Runtime, StreamAddress } from "../runtime/runtime.ts";
import {
  listenForStreams,
  LiveSocketError,
  LongPathError,
  type StreamListener,
  TakenPathError,
} from "../runtime/stream_listener.ts";
import type { Executor } from "../execute/executor.ts";
import type { Section } from "../section.ts";
import type { Counters } from "../statistics.ts";
import type { Input } from "./command.ts";
import { bindProblem } from "./bind_problem.ts";
import { DEFAULT_MAX_CONNECTIONS, DEFAULT_SOCKET_MODE } from "./door_options.ts";
import { readSecret } from "./secret_file.ts";
import { complain } from "./output.ts";
import { parseCount } from "./quantities.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_LINE_PORT = 8765;
const DEFAULT_RESP_PORT = 6380;
const MOST_CONNECTIONS = 65_536;
/** Descriptors for other uses: sockets, files, the event loop, a connection being replaced. */
const RESERVED_DESCRIPTORS = 64;
const UNIX = "unix:";
/** How often connections that have held something for too long are cut off. */
const SWEEP_MS = 1_000;

export interface DoorPorts {
  readonly executor: Executor;
  readonly counters: Counters;
  /** Milliseconds, never backwards: the store's clock. */
  readonly now: () => number;
  readonly onFault: (error: unknown) => void;
}

export interface Doors {
  /** The doors and where they listen, for display. */
  readonly places: readonly string[];
  /** STATS lines about their connections; undefined if there are no doors. */
  readonly lines: Section | undefined;
  /** Reads the password file again. @throws UsageError; the password has not changed then */
  reread(): void;
  close(): void;
}

/**
 * Opens all doors that were asked for, or none.
 * @throws UsageError, SystemError
 */
export async function openDoors(
  input: Input,
  runtime: Runtime,
  { executor, counters, now, onFault }: DoorPorts,
): Promise<Doors> {
  const maxConnections = maxConnectionsOf(input, descriptorLimit());
  const keyspace = new Keyspace(executor, counters, now, Date.now);
  const respDoor = new RespDoor(passwordOf(input), (observer) => keyspace.observe(observer));
  const connections = new Connections({ maxConnections, now, keyspace, onFault });
  const listeners: StreamListener[] = [];
  const timer = setInterval(() => connections.sweep(), SWEEP_MS);
  const close = () => {
    clearInterval(timer);
    for (const listener of listeners) listener.close();
    connections.closeAll();
  };
  const open = (
    option: "line" | "resp",
    port: number,
    converse: (address: string) => Conversation,
  ) => listenAtAll(input, runtime, option, port, connections.door(converse), listeners);
  try {
    const places = [
      ...await open(
        "line",
        DEFAULT_LINE_PORT,
        () => new LineConversation(keyspace, connections.replies),
      ),
      ...await open(
        "resp",
        DEFAULT_RESP_PORT,
        (address) => new RespConversation(keyspace, connections, respDoor, address),
      ),
    ];
    return {
      places,
      lines: places.length > 0 ? () => connections.lines() : undefined,
      reread() {
        respDoor.password = passwordOf(input);
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws UsageError for a file that is not a secret, or holds none */
function passwordOf(input: Input): Password | null {
  const path = input.text("resp-password-file");
  if (path === undefined) return null;
  if (input.texts("resp").length === 0) {
    throw new UsageError("--resp-password-file goes with --resp");
  }
  const text = readSecret(path, "password").replace(/\r?\n$/, "");
  if (text !== "") return new Password(text);
  throw new UsageError(`${path} is empty: write the password of the RESP door to it`);
}

/**
 * How many connections are allowed, each with a descriptor; if the system gives fewer, as many as
 * are left. Without a free descriptor a connection can't be accepted, nor replace another.
 */
function maxConnectionsOf(input: Input, descriptors: number): number {
  const text = input.text("max-connections") ?? String(DEFAULT_MAX_CONNECTIONS);
  const wanted = parseCount("--max-connections", text, 1, MOST_CONNECTIONS);
  const most = Math.max(1, descriptors - RESERVED_DESCRIPTORS);
  if (wanted <= most) return wanted;
  complain(
    `warning: at most ${most} connections through the doors at a time, not ${wanted}: this ` +
      `process may have ${descriptors} open files (ulimit -n)`,
  );
  return most;
}

/** @returns the places, for display */
async function listenAtAll(
  input: Input,
  runtime: Runtime,
  option: "line" | "resp",
  defaultPort: number,
  accept: Accept,
  listeners: StreamListener[],
): Promise<string[]> {
  const places: string[] = [];
  const mode = socketModeOf(input);
  for (const text of input.texts(option)) {
    const address = await addressOf(input, option, text, defaultPort);
    try {
      const listener = await listenForStreams(runtime, address, accept, mode);
      listeners.push(listener);
      places.push(`${option} at ${listener.name}`);
    } catch (error) {
      throw new SystemError(`can't listen at --${option} ${text}: ${problemOf(error)}`);
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
      `programs on this machine use --${option} 127.0.0.1:${address.port} or ` +
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
  if (error instanceof LongPathError) return "the path is too long for a socket; choose another";
  return bindProblem(error);
}
