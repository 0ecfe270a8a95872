/**
 * Where a client's calls go: to the one server that it has (exchange.ts), or each to one of several
 * (src/fleet/fleet.ts).
 */

import type { Limit, Reply } from "./call.ts";
import type { Request } from "./frame.ts";
import type { FillRandom } from "./nonces.ts";
import type { Alarm } from "./wake_timer.ts";

/** A client's clock and alarms. */
export interface Time {
  /** Milliseconds from any origin, never going backwards, including time asleep. */
  readonly now: () => number;
  readonly makeAlarm: (ring: () => void) => Alarm;
}

/** A server, as its client sees it at this moment. */
export interface ServerState {
  /** Undefined for a server without a name. */
  readonly name: string | undefined;
  /** As in the list of servers. */
  readonly address: string;
  readonly weight: number;
  /** Whether its calls fail at once, since it has not answered for a while. */
  readonly isDown: boolean;
  /** The smoothed time to a reply in ms; undefined before the first. */
  readonly roundTripMs: number | undefined;
}

export interface ServerDestination {
  readonly state: ServerState;
  call(request: Request, limit: Limit): Promise<Reply>;
}

export interface Destination {
  /** One at least, in the order of the list. */
  readonly servers: readonly ServerDestination[];
  /** Those that have all keys together: where each key has one server, all servers. */
  readonly stores: readonly ServerDestination[];
  /** The server that has a key, 1 to 128 bytes. */
  homeOf(key: Uint8Array): ServerDestination;
  readonly time: Time;
  readonly fillRandom: FillRandom;
  /** Datagrams that were sent again. */
  readonly retransmissions: number;
  /** Ends every call with a ClosedError. */
  close(): void;
}
