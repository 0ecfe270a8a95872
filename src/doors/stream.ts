/** A stream, as a door for text sees it: bytes come and go in order, in pieces of any size. */

import type { Buffer } from "node:buffer";

/** The socket of one connection. */
export interface StreamSocket {
  /**
   * Sends bytes, which may be used again once this returns.
   * @returns whether more may be sent at once; if not, `drained` tells when
   */
  write(bytes: Uint8Array): boolean;
  /** Stops what comes from being given, as far as that goes, until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then says that nothing more comes; the other side may still send. */
  end(): void;
  /** Closes it now. What the kernel has taken still goes out. */
  destroy(): void;
  /** Runs something in a later turn of the event loop. */
  later(run: () => void): void;
}

/** What is told about it. */
export interface StreamEvents {
  receive(bytes: Buffer): void;
  drained(): void;
  /** The other side sends nothing more. */
  ended(): void;
  closed(): void;
}

/** Takes a new connection in. */
export type Accept = (socket: StreamSocket) => StreamEvents;
