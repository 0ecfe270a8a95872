/**
 * What the core needs of a runtime: sockets, and nothing else that differs between them. One
 * file a runtime implements it.
 */

import type { Accept } from "../doors/stream.ts";
import type { Receive } from "../protocol/datagram.ts";
import type { Address } from "./address.ts";
import type { BoundStreams, StreamAddress } from "./streams.ts";

/**
 * How large a receive buffer to ask for, in which a burst waits: Linux doubles it, for its own
 * share, and so holds some 3,600 datagrams of 1,024 bytes, each counting 2,304. Without being asked
 * it gives 208 KiB, which holds some 90.
 */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A socket that answers datagrams. */
export interface Listener {
  /** Where it listens: the port that the system gave when 0 was asked for. */
  readonly address: Address;
  /** What the kernel's buffer for arriving datagrams holds; null where that is not told. */
  readonly receiveBufferBytes: number | null;
  close(): void;
}

/** A client's way to one server. It does not keep a process alive. */
export interface Channel {
  /** Sends a datagram of 1,024 bytes, best effort; it may be reused once this returns. */
  send(datagram: Uint8Array): void;
  close(): void;
}

export interface ChannelEvents {
  /** A datagram came, from whatever address; its array may be reused once this returns. */
  readonly onDatagram: (datagram: Uint8Array) => void;
  readonly onError: (error: unknown) => void;
}

/** Addresses are IP literals here: names are resolved before. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /**
   * Opens a socket that gives each datagram to `receive` and sends its replies.
   * @throws an Error with `code` EADDRINUSE, EADDRNOTAVAIL or EACCES when it can't be bound
   */
  listen(address: Address, receive: Receive): Promise<Listener>;
  /** Opens a socket of the server's address family, on a port that the system chooses. */
  dial(server: Address, events: ChannelEvents): Promise<Channel>;
  /** Listens for streams; @throws as `listen`, and an Error with `code` ENOENT without a folder */
  listenForStreams(address: StreamAddress, accept: Accept): Promise<BoundStreams>;
}
