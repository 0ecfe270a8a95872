/** What the journal needs from a disk. */
export interface Disk {
  /**
   * Carries out changes, all or none, and resolves when they would survive a loss of power. Commits
   * requested meanwhile are done next, in order. When one fails, so do all requested by then.
   * @param changes as change.ts writes them; owned by the disk from now on
   * @throws an Error with a human-readable message; no change was then carried out
   */
  commit(changes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Settles commits that are done by now, without waiting for the event loop to report them. */
  poll?(): void;
}
