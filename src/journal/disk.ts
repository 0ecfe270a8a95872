/** What the journal needs of a disk. */
export interface Disk {
  /**
   * Carries changes out, all of them or none, and resolves when they would outlive a loss of power.
   * What was asked for while this was going on is done next, in order. When one fails, so do all that
   * were asked for by then.
   * @param changes as change.ts writes them; its own from now on
   * @throws an Error whose message says what is wrong, for people; nothing was carried out then
   */
  commit(changes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Settles what has been committed by now, without waiting for the event loop to bring word of it. */
  poll?(): void;
}
