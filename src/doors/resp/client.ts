/** What is known of one RESP connection. */

import type { Transaction } from "./transaction.ts";

export type Protocol = 2 | 3;

export class Client {
  /** Unique to the connection; reported by CLIENT and HELLO. */
  readonly id: number;
  /** Where it comes from, for display; empty if that is not known. */
  readonly address: string;
  readonly connectedAtMs: number;
  /** When it last asked for something, and for what. */
  lastAtMs: number;
  lastCommand = "NULL";
  name = "";
  libraryName = "";
  libraryVersion = "";
  protocol: Protocol = 2;
  /** Whether it has given the password, or none is asked for. */
  isTrusted: boolean;
  /** The queue from MULTI to EXEC. */
  transaction: Transaction | null = null;
  /** Whether it asked for another database than the one that there is. */
  isElsewhere = false;
  /** Whether a queue is being carried out. */
  isInExec = false;

  /** Whether its requests are simply carried out. */
  get isPlain(): boolean {
    return this.isTrusted && this.transaction === null;
  }

  constructor(id: number, address: string, nowMs: number, isTrusted: boolean) {
    this.id = id;
    this.address = address;
    this.connectedAtMs = this.lastAtMs = nowMs;
    this.isTrusted = isTrusted;
  }
}
