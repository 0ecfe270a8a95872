/** A client's path to one server, as each runtime has it. */

import { MAX_OUTSTANDING } from "../../protocol/lane.ts";
import type { Address } from "../address.ts";

/** A path to a server. It does not keep a process alive. */
export interface Channel {
  /** The descriptor of its socket, where a thread may wait for it. */
  readonly descriptor?: number;
  /** Sends a datagram of 1,024 bytes, best effort; it may be reused once this returns. */
  send(datagram: Uint8Array): void;
  close(): void;
}

export interface ChannelEvents {
  /** A datagram came, from any address; its array may be reused once this returns. */
  readonly onDatagram: (datagram: Uint8Array) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Opens a socket of the server's address family, on a port that the system chooses.
 * @param server its host is an IP literal
 */
export type Dial = (server: Address, events: ChannelEvents) => Promise<Channel>;

/** Queries and mutations. */
const LANES = 2;
/** What Linux counts for a datagram of 1,024 bytes. */
const KERNEL_BYTES_A_DATAGRAM = 2_304;

/**
 * The size of the receive buffer to ask for; a system may give less. Linux doubles it, for its own
 * overhead: so this holds the replies to all requests that a client may have outstanding, and to a
 * copy of each.
 */
export const CHANNEL_BUFFER_BYTES = LANES * MAX_OUTSTANDING * KERNEL_BYTES_A_DATAGRAM;
