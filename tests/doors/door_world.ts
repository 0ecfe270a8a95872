/** The text doors without sockets: a store, a virtual clock, and connections under test control. */

import { Connections, type ConnectionsOptions } from "../../src/doors/connections.ts";
import { Keyspace } from "../../src/doors/keyspace.ts";
import { LineConversation } from "../../src/doors/line/conversation.ts";
import { RespConversation } from "../../src/doors/resp/conversation.ts";
import { RespDoor } from "../../src/doors/resp/door.ts";
import type { Password } from "../../src/doors/resp/password.ts";
import type { Accept, StreamEvents } from "../../src/stream.ts";
import type { Executor } from "../../src/execute/executor.ts";
import { MemoryExecutor } from "../../src/execute/memory.ts";
import { Counters } from "../../src/statistics.ts";
import { LogStore, type LogStoreOptions } from "../../src/store/log_store.ts";
import { fillRandomOf } from "../bytes.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { throwLater } from "../world.ts";

/** How far the wall clock is ahead of the store's. */
export const WALL_OFFSET_MS = 1_700_000_000_000;

/** One connection, with the server's socket for it in the test's hands. */
export class Peer {
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  /** Whether the peer takes what it is sent: if not, the server must wait. */
  reads = true;
  readonly #events: StreamEvents;
  #sent: Buffer[] = [];
  #later: (() => void)[] = [];

  constructor(accept: Accept) {
    this.#events = accept({
      address: "192.0.2.1:5000",
      write: (bytes) => {
        this.#sent.push(Buffer.from(bytes));
        return this.reads;
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      end: () => {
        this.isEnded = true;
      },
      destroy: () => {
        this.isDestroyed = true;
        this.#events.closed();
      },
      later: (run) => void this.#later.push(run),
    });
  }

  send(bytes: string | Uint8Array): void {
    this.#events.receive(typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes));
  }

  /** What was sent to the peer since the last call. */
  take(): string {
    const text = Buffer.concat(this.#sent).toString("latin1");
    this.#sent = [];
    return text;
  }

  ask(bytes: string | Uint8Array): string {
    this.send(bytes);
    return this.take();
  }

  /** The peer reads everything, and keeps reading. */
  drain(): void {
    this.reads = true;
    this.#events.drained();
  }

  /** The peer ends its side: it has sent everything. */
  end(): void {
    this.#events.ended();
  }

  /** The connection is gone. */
  close(): void {
    this.#events.closed();
  }

  /** Runs, once, the work deferred to a later turn. @returns whether there was something */
  turn(): boolean {
    const due = this.#later;
    this.#later = [];
    for (const run of due) run();
    return due.length > 0;
  }
}

export function openDoors(
  options:
    & Partial<ConnectionsOptions>
    & Partial<Pick<LogStoreOptions, "limitBytes" | "onFull">>
    & {
      readonly clock?: VirtualClock;
      readonly executor?: Executor;
      readonly password?: Password;
    } = {},
) {
  const { limitBytes = 2 ** 24, onFull, clock = new VirtualClock(), password = null, ...rest } =
    options;
  const store = new LogStore({ limitBytes, onFull, now: clock.now, fillRandom: fillRandomOf(7) });
  const counters = new Counters();
  const wallNow = () => clock.now() + WALL_OFFSET_MS;
  const executor = options.executor ?? new MemoryExecutor(store);
  const keyspace = new Keyspace(executor, counters, clock.now, wallNow);
  const connections = new Connections({
    maxConnections: 100,
    now: clock.now,
    later: (run, ms) => void clock.at(clock.now() + ms, run),
    keyspace,
    onFault: throwLater,
    ...rest,
  });
  const line = connections.door(() => new LineConversation(keyspace, connections.replies));
  const respDoor = new RespDoor(password, (observer) => keyspace.observe(observer));
  const resp = connections.door((address) =>
    new RespConversation(keyspace, connections, respDoor, address)
  );
  return {
    clock,
    store,
    counters,
    connections,
    line: () => new Peer(line),
    resp: () => new Peer(resp),
  };
}
