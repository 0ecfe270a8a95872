/** One server of a fleet: its exchange, its path, and whether it is down. */

import { type FailedCall, ServerDownError } from "../errors.ts";
import type { Limit, Reply } from "../protocol/call.ts";
import type { ServerDestination, ServerState } from "../protocol/destination.ts";
import { Exchange, type ExchangePorts } from "../protocol/exchange.ts";
import { Operation, type Request, Status } from "../protocol/frame.ts";
import { OPERATION_NAMES } from "../protocol/operations.ts";
import type { OnDown } from "../server_url.ts";
import { Liveness } from "./liveness.ts";

/** A path to a server, as an address led to it. */
export interface Path {
  /** Where it leads; the same for the same address. */
  readonly to: string;
  send(datagram: Uint8Array): void;
  close(): void;
}

/** Finds the way to a server: for a name, looks up its address. */
export interface Paths {
  /**
   * Opens a path.
   * @param known where the present path leads, if there is one
   * @returns null if a new one would lead there too
   * @throws when there is none
   */
  open(exchange: Exchange, known: string | undefined): Promise<Path | null>;
}

export interface MemberOptions {
  readonly name: string | undefined;
  /** As it was written. */
  readonly address: string;
  readonly weight: number;
  readonly onDown: OnDown;
  readonly paths: Paths;
  readonly ports: Omit<ExchangePorts, "send" | "server">;
}

/** With `onDown: "miss"` these find nothing, or store nothing. The others would claim what is not so. */
const MAY_MISS: ReadonlySet<Operation> = new Set([
  Operation.GET,
  Operation.EXISTS,
  Operation.SET,
  Operation.TOUCH,
]);
const MISS: Reply = {
  status: Status.NOT_FOUND,
  toggles: 0,
  value: new Uint8Array(0),
  remainingTtlMs: 0,
  isDown: true,
};

/** A reply, or what it is by `onDown: "miss"` if the server is down. */
export function orMiss(reply: Promise<Reply>, request: Request, onDown: OnDown): Promise<Reply> {
  if (onDown === "error" || !MAY_MISS.has(request.operation)) return reply;
  return reply.catch((error) => {
    if (error instanceof ServerDownError) return MISS;
    throw error;
  });
}

export class Member implements ServerDestination {
  readonly exchange: Exchange;
  readonly #options: MemberOptions;
  readonly #liveness: Liveness;
  #path: Path | null = null;
  #isOpening = false;
  #isClosed = false;
  #problem: Error | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
    const { name, address, ports } = options;
    this.exchange = new Exchange({
      ...ports,
      server: { name, address },
      send: (datagram) => this.#path?.send(datagram),
    });
    const { exchange } = this;
    this.#liveness = new Liveness(exchange, ports, {
      onDown: () => {
        exchange.onReply = () => this.#liveness.noteReply();
        exchange.failHarmless((call) => this.#downError(call));
      },
      onUp: () => {
        exchange.onReply = null;
      },
      onProbe: () => void this.open(),
    });
  }

  get state(): ServerState {
    const { name, address, weight } = this.#options;
    const { roundTripMs } = this.exchange.state;
    return { name, address, weight, isDown: this.#liveness.isDown, roundTripMs };
  }

  /** Looks for the way to the server, unless that is under way; a failure leaves things as they are. */
  async open(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      const path = await this.#options.paths.open(this.exchange, this.#path?.to);
      this.#problem = undefined;
      if (path === null) return;
      this.#take(path);
      if (this.#liveness.isDown) this.exchange.probe();
    } catch (error) {
      this.#problem = error as Error;
    } finally {
      this.#isOpening = false;
    }
  }

  /** Why the way was not found the last time. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  #take(path: Path): void {
    if (this.#isClosed) {
      path.close();
      return;
    }
    this.#path?.close();
    this.#path = path;
  }

  /** If there is no path by now, it is down until there is one. */
  begin(): void {
    if (this.#path === null) this.#liveness.beginDown();
  }

  call(request: Request, limit: Limit): Promise<Reply> {
    return orMiss(this.#call(request, limit), request, this.#options.onDown);
  }

  #call(request: Request, limit: Limit): Promise<Reply> {
    if (this.#liveness.isDown && !this.#isClosed) {
      return Promise.reject(
        this.#downError({ operation: OPERATION_NAMES[request.operation], key: request.key }),
      );
    }
    this.#liveness.watch();
    return this.exchange.call(request, limit);
  }

  #downError(call: FailedCall): ServerDownError {
    const { name, address } = this.#options;
    const why = this.#path === null && this.#problem !== undefined
      ? this.#problem.message
      : `it has answered nothing for ${Math.round(this.#liveness.silentMs)} ms${this.#hint}`;
    return new ServerDownError({ ...call, server: { name, address } }, why.replace(/\.$/, ""));
  }

  get #hint(): string {
    if (this.exchange.hasAnswered) return "";
    return ", nor before: there may be no server, or it has another key or name";
  }

  close(): void {
    this.#isClosed = true;
    this.#liveness.stop();
    this.exchange.close();
    this.#path?.close();
  }
}
