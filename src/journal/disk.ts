/** What the journal needs of a disk. */
export interface Disk {
  /**
   * Carries changes out, all of them or none, and resolves when they would outlive a loss of power.
   * One call at a time.
   * @param changes as change.ts writes them; its own from now on
   * @throws an Error whose message says what is wrong, for people; nothing was carried out then
   */
  commit(changes: Uint8Array<ArrayBuffer>): Promise<void>;
}
