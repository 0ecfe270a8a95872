/** What archives have in common: their files, in the order of their names, all of one time and of nobody. */

export interface ArchivedFile {
  /** With slashes; at most 100 bytes. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isProgram: boolean;
}

/** Makes an archive of files. @param timeS when they were changed, in seconds since 1970 */
export type MakeArchive = (files: readonly ArchivedFile[], timeS: number) => Uint8Array;

export function inOrder(files: readonly ArchivedFile[]): ArchivedFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function modeOf({ isProgram }: ArchivedFile): number {
  return isProgram ? 0o755 : 0o644;
}
