/** A stream, as a door for text sees it: bytes come and go in order, in pieces of any size. */

import type { Buffer } from "node:buffer";

/** The socket of one connection. */
export interface StreamSocket {
  /** Where the other side is, as host:port; empty if that is not known. */
  readonly address: string;
  /**
   * Sends bytes, which may be reused once this returns.
   * @returns whether more may be sent at once; if not, wait for `drained`
   */
  write(bytes: Uint8Array): boolean;
  /** Stops the delivery of received bytes until `resume`, best effort. */
  pause(): void;
  resume(): void;
  /** Sends the written bytes, then the end of the stream; the other side may still send. */
  end(): void;
  /** Closes the connection now. Bytes that the kernel has taken still go out. */
  destroy(): void;
  /** Runs a function in a later turn of the event loop. */
  later(run: () => void): void;
}

/** The events of a connection. */
export interface StreamEvents {
  receive(bytes: Buffer): void;
  drained(): void;
  /** The other side sends nothing more. */
  ended(): void;
  closed(): void;
}

/** Accepts a new connection. */
export type Accept = (socket: StreamSocket) => StreamEvents;
