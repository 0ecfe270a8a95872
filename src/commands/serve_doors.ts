/** A server's text doors: where they listen, who may connect, and how many connections. */

import { Connections } from "../doors/connections.ts";
import type { Conversation } from "../doors/conversation.ts";
import { Keyspace } from "../doors/keyspace.ts";
import { LineConversation } from "../doors/line/conversation.ts";
import { RespConversation } from "../doors/resp/conversation.ts";
import { RespDoor } from "../doors/resp/door.ts";
import { Password } from "../doors/resp/password.ts";
import { descriptorLimit } from "../runtime/descriptor_limit.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { StreamListener } from "../runtime/stream_listener.ts";
import type { Executor } from "../execute/executor.ts";
import type { Section } from "../section.ts";
import type { Counters } from "../statistics.ts";
import type { Input } from "./command.ts";
import { DEFAULT_MAX_CONNECTIONS } from "./door_options.ts";
import { readSecret } from "./secret_file.ts";
import { log } from "./log.ts";
import { checkPlaces, listenAtAll } from "./plain_places.ts";
import { parseCount } from "./quantities.ts";
import { UsageError } from "./usage_error.ts";

const DEFAULT_LINE_PORT = 8765;
const DEFAULT_RESP_PORT = 6380;
const MOST_CONNECTIONS = 65_536;
/** Descriptors for other uses: sockets, files, the event loop, a connection being replaced. */
const RESERVED_DESCRIPTORS = 64;
const WORDS = {
  shows: "keys and values",
  advice:
    "Other machines reach this store by the encrypted wire (--listen, and kg or the library there)",
} as const;
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

/** @throws {UsageError} for a place where a door may not be, and for a password file that is none */
export async function checkDoors(input: Input): Promise<void> {
  passwordOf(input);
  await checkPlaces(input, "line", DEFAULT_LINE_PORT, WORDS);
  await checkPlaces(input, "resp", DEFAULT_RESP_PORT, WORDS);
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
  const open = async (
    option: "line" | "resp",
    port: number,
    converse: (address: string) => Conversation,
  ) => {
    const accept = connections.door(converse);
    return await listenAtAll(input, option, port, {
      ...{ listeners, ...WORDS },
      bind: (address) => runtime.listenForStreams(address, accept),
    });
  };
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
  log.warning(
    "connections",
    `at most ${most} connections through the doors at a time, not ${wanted}: this ` +
      `process may have ${descriptors} open files (ulimit -n)`,
  );
  return most;
}
