/**
 * What a client knows of its server's epoch from accepted replies, and what a new epoch means
 * for a mutation sealed under an older one.
 * Source: docs/WIRE.md, section 5, «The client».
 */

import { Epoch } from "./epoch.ts";
import { META_EPOCH_AT, ReplyToggle, togglesOf } from "./frame.ts";

/** The standing of a mutation sealed under a given epoch. */
export const Standing = {
  /** The server can still answer the mutation. */
  GOOD: 0,
  /** The server forgot everything, so the mutation may be sealed anew without being done twice. */
  RENEW: 1,
  /** The server can no longer answer the mutation, and may have carried it out. */
  LOST: 2,
} as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

/** After this many generations, a server no longer reports what became of a mutation. */
const GENERATIONS_LOST = 2;

export class KnownEpoch {
  #epoch: Epoch | null = null;
  #fresh = false;
  /** The order of the last send before the current boot id was accepted. */
  #takenAfter = 0;

  /** The newest epoch, or null before the first reply. */
  get epoch(): Epoch | null {
    return this.#epoch;
  }

  /** Whether the reply to a request with this send order may bring another boot id. */
  trusts(sendOrder: number): boolean {
    return sendOrder > this.#takenAfter;
  }

  /**
   * Learns from an accepted reply.
   * @param sendOrder the order in which the answered request was first sent
   * @param lastSendOrder the latest order given to any request
   * @returns whether the epoch changed
   */
  learn(frame: Uint8Array, sendOrder: number, lastSendOrder: number): boolean {
    const known = this.#epoch;
    if (known?.equals(frame, META_EPOCH_AT)) return false;
    const told = Epoch.read(frame, META_EPOCH_AT);
    if (known?.isBootOf(told)) {
      if (!(told.generation > known.generation)) return false;
    } else {
      if (known !== null && !this.trusts(sendOrder)) return false;
      this.#takenAfter = lastSendOrder;
    }
    this.#epoch = told;
    this.#fresh = (togglesOf(frame) & ReplyToggle.FRESH) !== 0;
    return true;
  }

  standingOf(sealedUnder: Epoch): Standing {
    const known = this.#epoch ?? sealedUnder;
    if (!known.isBootOf(sealedUnder)) return this.#fresh ? Standing.RENEW : Standing.LOST;
    const turns = known.generation - sealedUnder.generation;
    return turns >= GENERATIONS_LOST ? Standing.LOST : Standing.GOOD;
  }
}
