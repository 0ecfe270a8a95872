/** Problems with a data folder, for people: errors of SQLite and the system, in one clause. */

/** The folder, or the file in it, can't be used as it is. */
export class DataFolderError extends Error {}

/** SQLite's messages, which are the same on all runtimes, unlike its error numbers. */
const PROBLEMS: readonly (readonly [said: RegExp, means: string])[] = [
  [/is full/, "the disk is full"],
  [/I\/O error/, "the disk reports errors (input/output error)"],
  [/malformed|not a database/, "the file is damaged, or is not a kg file"],
  [/readonly/, "it is not writable by this user"],
  [/unable to open/, "the file in it can't be opened; may this user write there?"],
  [/locked/, "another program has locked the file"],
];

/** What an error of SQLite or of the system means. */
export function problemOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  const known = PROBLEMS.find(([said]) => said.test(message));
  if (known !== undefined) return known[1];
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return "it is not writable by this user";
  }
  if (code === "ENOSPC") return "the disk is full";
  if (code === "ENOTDIR" || code === "EEXIST") return "there is a file of this name";
  return message;
}
