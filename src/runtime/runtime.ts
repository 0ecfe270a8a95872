/**
 * What the core needs from a runtime: sockets, and nothing else that differs between runtimes. Each
 * runtime has one file that implements it.
 */

import type { Receive } from "../protocol/socket.ts";
import type { Address } from "./address.ts";
import type { Accept } from "../stream.ts";

/**
 * The size of the receive buffer to ask for, in which a burst waits: Linux doubles it, for its own
 * overhead, and so holds some 3,600 datagrams of 1,024 bytes, each counting as 2,304. By default
 * Linux gives 208 KiB, which holds some 90.
 */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A socket that answers datagrams. */
export interface Listener {
  /** Where it listens, with the port that the system chose if 0 was asked for. */
  readonly address: Address;
  /** The size of the kernel's receive buffer; null where it is unknown. */
  readonly receiveBufferBytes: number | null;
  close(): void;
}

/** A client's path to one server. It does not keep a process alive. */
export interface Channel {
  /** Sends a datagram of 1,024 bytes, best effort; it may be reused once this returns. */
  send(datagram: Uint8Array): void;
  close(): void;
}

export interface ChannelEvents {
  /** A datagram came, from any address; its array may be reused once this returns. */
  readonly onDatagram: (datagram: Uint8Array) => void;
  readonly onError: (error: unknown) => void;
}

/** A network address, or a path in the file system. */
export type StreamAddress = Address | { readonly path: string };

/** Where a runtime listens for streams. */
export interface BoundStreams {
  /** The bound port, where there are ports. */
  readonly port: number;
  /** Stops accepting connections; a Unix socket is removed. */
  close(): void;
}

/** Addresses are IP literals here: names are already resolved. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /**
   * Opens a socket that gives its datagrams to `receive`, and sends replies.
   * @throws an Error with `code` EADDRINUSE, EADDRNOTAVAIL or EACCES when it can't be bound
   */
  listen(address: Address, receive: Receive): Promise<Listener>;
  /** Opens a socket of the server's address family, on a port that the system chooses. */
  dial(server: Address, events: ChannelEvents): Promise<Channel>;
  /** Listens for streams; @throws as `listen`; an Error with `code` ENOENT without a folder */
  listenForStreams(address: StreamAddress, accept: Accept): Promise<BoundStreams>;
}
