/** node:sqlite, as far as it is used here. Bun, Deno and Node from 22.13 on have it built in. */

import { closeSync, existsSync, openSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { DataFolderError } from "./problem.ts";

/** The value of a column, as a statement takes and returns it. */
export type Column = Uint8Array | number | string | null;
export type Row = Readonly<Record<string, Column>>;

export interface Statement {
  run(...columns: Column[]): { readonly changes: number | bigint };
  get(...columns: Column[]): Row | undefined;
  iterate(...columns: Column[]): IterableIterator<Row>;
}

export interface Sqlite {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Module {
  DatabaseSync: new (file: string | URL, options?: { readonly readOnly: boolean }) => Sqlite;
}

/**
 * Opens a file, or makes one that only its owner can read; SQLite makes those beside it alike.
 * @throws DataFolderError where the runtime has no SQLite, and the errors of SQLite and the system
 */
export function openSqlite(file: string): Sqlite {
  const { DatabaseSync } = builtinModule();
  makeFile(file);
  return new DatabaseSync(file);
}

/**
 * Opens a file where nothing may be written. SQLite needs to write beside a file even to read it, unless
 * it is told that nobody changes the file.
 * @param isAtRest that nobody does: what is in a log beside the file is then not read
 * @throws as openSqlite
 */
export function openSqliteToRead(file: string, isAtRest: boolean): Sqlite {
  const { DatabaseSync } = builtinModule();
  const url = pathToFileURL(file);
  if (isAtRest) url.searchParams.set("immutable", "1");
  return new DatabaseSync(url, { readOnly: true });
}

function builtinModule(): Module {
  const builtin = process.getBuiltinModule?.("node:sqlite") as Module | undefined;
  if (builtin === undefined) {
    throw new DataFolderError(
      "this runtime has no SQLite: use kg's binary, Bun, Deno, or Node 22.13",
    );
  }
  return builtin;
}

/**
 * Only where there is none: closing a file on which this process holds locks would release them,
 * SQLite's own among them (fcntl(2)).
 */
function makeFile(file: string): void {
  if (existsSync(file)) return;
  try {
    closeSync(openSync(file, "ax", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
