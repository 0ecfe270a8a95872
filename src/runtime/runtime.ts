/**
 * What the core needs from a runtime: sockets, and nothing else that differs between runtimes. Each
 * runtime has one file that implements it.
 */

import type { Receive, ServerSocket } from "../protocol/socket.ts";
import type { Address } from "./address.ts";
import type { Channel } from "./channels/channel.ts";
import type { Accept } from "../stream.ts";

/**
 * The size of the receive buffer to ask for, in which a burst waits: Linux doubles it, for its own
 * overhead, and so holds some 3,600 datagrams of 1,024 bytes, each counting as 2,304. By default
 * Linux gives 208 KiB, which holds some 90.
 */
export const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A port that a listener shares with readers. */
export interface Division {
  /** The descriptors of the readers' sockets, in the order of the readers. */
  readonly descriptors: readonly number[];
  /** The listener's own socket: it sends to any peer of the port. */
  readonly socket: ServerSocket;
  /** Gives queries to the readers, or everything to the listener. */
  steer(isDivided: boolean): void;
  /** Ends the waits of the readers, which can receive nothing more. */
  wake(): void;
  /** Closes the socket of a reader that has ended. */
  close(reader: number): void;
}

/** A socket that answers datagrams. */
export interface Listener {
  /** Where it listens, with the port that the system chose if 0 was asked for. */
  readonly address: Address;
  /** The size of the kernel's receive buffer; null where it is unknown. */
  readonly receiveBufferBytes: number | null;
  /**
   * Opens a socket for each of some readers at the same address: queries go to them from now on, and
   * everything else to this one. Null where the system can't do this; absent where it never can.
   */
  divide?(readers: number): Division | null;
  close(): void;
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
  /** Listens for streams; @throws as `listen`; an Error with `code` ENOENT without a folder */
  listenForStreams(address: StreamAddress, accept: Accept): Promise<BoundStreams>;
  /**
   * Makes a function that waits, with the whole thread, until one of some channels has a datagram, at
   * most some ms; absent where that is not possible.
   */
  waiterFor?(channels: readonly Channel[]): ((ms: number) => void) | null;
}
