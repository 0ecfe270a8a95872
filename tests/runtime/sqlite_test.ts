/** The file of a data folder: what a commit leaves there, folds, and damaged or foreign files. */

import { test } from "node:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { changeBytes, Kind, type NewChange, writeChange } from "../../src/journal/change.ts";
import type { StoredItem } from "../../src/journal/journal_executor.ts";
import { ThreadDisk } from "../../src/runtime/sqlite/disk.ts";
import { atFolder, DataFile } from "../../src/runtime/sqlite/file.ts";
import { Fold } from "../../src/runtime/sqlite/fold.ts";
import { FILE_NAME, numberOf } from "../../src/runtime/sqlite/format.ts";
import { lockFolder } from "../../src/runtime/sqlite/lock.ts";
import { DataFolderError } from "../../src/runtime/sqlite/problem.ts";
import { openSqlite, openSqliteToRead } from "../../src/runtime/sqlite/sqlite.ts";
import { randomOf } from "../bytes.ts";
import { spanOf } from "../journal/journal_world.ts";

const hasSqlite = process.getBuiltinModule?.("node:sqlite") !== undefined;
const skip = hasSqlite ? false : "this runtime has no SQLite";

const freshFolder = () => mkdtempSync(join(tmpdir(), "kilogram-data-"));

/** A batch that sets keys to values, or removes them for null. */
function batchOf(changes: Readonly<Record<string, string | null>>, expiresAtMs = 0) {
  return encode(
    Object.entries(changes).map(([key, value]) => ({
      kind: value === null ? Kind.DELETED : Kind.STORED,
      key: spanOf(key),
      value: value === null ? null : spanOf(value),
      expiresAtMs: value === null ? 0 : expiresAtMs,
    })),
  );
}

/** A batch that changes only a key's expiry. */
function touchOf(key: string, expiresAtMs: number) {
  return encode([{ kind: Kind.TOUCHED, key: spanOf(key), value: null, expiresAtMs }]);
}

/** A batch that removes all keys with a prefix. */
function dropOf(prefix: string) {
  return encode([{ kind: Kind.DROPPED, key: spanOf(prefix), value: null, expiresAtMs: 0 }]);
}

/** Some within others, one of which is everything. */
const PREFIXES = ["key 1", "key 12", "key 2", "key ", "", "nothing", "\xff"];

function encode(changes: readonly NewChange[]) {
  const bytes = new Uint8Array(changes.reduce((sum, each) => sum + changeBytes(each), 0));
  let at = 0;
  for (const change of changes) {
    writeChange(bytes, at, change, true);
    at += changeBytes(change);
  }
  return bytes;
}

/** Folds all batches. @param keys the most in a step */
function foldAll(file: DataFile, keys: number): void {
  const fold = new Fold(file);
  while (fold.step(keys, 0));
}

/** What a process that opens the folder now finds: values, and after a + their expiries. */
function contentsOf(folder: string): Record<string, string> {
  const file = DataFile.openExisting(folder);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const told = ({ value, expiresAtMs }: StoredItem) =>
    text(value) + (expiresAtMs > 0 ? `+${expiresAtMs}` : "");
  try {
    const { total, items } = atFolder(folder, () => file.contents());
    const all = atFolder(folder, () => [...items]);
    assertEquals(all.length, total);
    return Object.fromEntries(all.map((item) => [text(item.key), told(item)]).sort());
  } finally {
    file.close();
  }
}

test("committed changes are there, later over earlier, also in a copy of the files", {
  skip,
}, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1", b: "2" }), batchOf({ a: "3", c: "" })]);
  file.commit([batchOf({ b: null, "\u0000é": "x" })]);
  // As a crash leaves the files: SQLite's log is not yet in the database.
  const copy = freshFolder();
  for (const suffix of ["", "-wal"]) {
    writeFileSync(join(copy, FILE_NAME + suffix), readFileSync(join(folder, FILE_NAME + suffix)));
  }
  const expected = { "\u0000é": "x", a: "3", c: "" };
  assertEquals(contentsOf(copy), expected);
  assertEquals(contentsOf(folder), expected);
  file.close();
  assertEquals(contentsOf(folder), expected);
});

test(
  "at every step of a fold, and between commits, the contents are what was committed",
  { skip },
  () => {
    const folder = freshFolder();
    const file = DataFile.open(folder);
    const random = randomOf(5);
    const below = (n: number) => Math.floor(random() * n);
    const expected: Record<string, string> = {};
    let fold: Fold | null = null;
    let folds = 0;
    for (let step = 0; step < 900; step++) {
      const batches = Array.from({ length: 1 + below(3) }, () => {
        const changes: Record<string, string | null> = {};
        for (let i = 0; i <= below(20); i++) {
          changes[`key ${below(60)}`] = below(4) === 0 ? null : `${step} ${i}`;
        }
        for (const [key, value] of Object.entries(changes)) {
          if (value === null) delete expected[key];
          else expected[key] = value;
        }
        return batchOf(changes);
      });
      if (below(12) === 0) {
        const prefix = PREFIXES[below(PREFIXES.length)];
        for (const key of Object.keys(expected)) if (key.startsWith(prefix)) delete expected[key];
        const after = below(2) === 0 ? null : `after ${step}`;
        if (after !== null) expected["key 1"] = after;
        batches.push(dropOf(prefix), ...(after === null ? [] : [batchOf({ "key 1": after })]));
      }
      for (let i = 0; i < below(4); i++) {
        const [key, expiresAtMs] = [`key ${below(60)}`, below(2) * (1 + step)];
        batches.push(touchOf(key, expiresAtMs));
        if (!(key in expected)) continue;
        const [value] = expected[key].split("+");
        expected[key] = value + (expiresAtMs > 0 ? `+${expiresAtMs}` : "");
      }
      file.commit(batches);
      fold ??= new Fold(file);
      // Now and then the fold starts over in the middle, as after an error.
      if (below(80) === 0) fold = new Fold(file);
      if (!fold.step(1 + below(12), below(3))) {
        fold = null;
        folds++;
      }
      if (step % 12 === 0) {
        assertEquals(contentsOf(folder), Object.fromEntries(Object.entries(expected).sort()));
      }
    }
    assert(folds > 5, `${folds} folds`);
    file.close();
  },
);

test("drops leave nothing of their ranges, whatever the bytes of their prefixes", { skip }, () => {
  const keys = [[0x61], [0x61, 0xff], [0x61, 0xff, 1], [0x62], [0xff], [0xff, 0xff], [
    0xff,
    0xff,
    3,
  ]];
  const prefixes = [[], [0x61], [0x61, 0xff], [0xff], [0xff, 0xff], [0x63]].map((
    prefix,
  ) => [prefix]);
  const pairs = [[[], [0]], [[0], []], [[0x61], [0x61, 0xff]], [[0x61, 0xff], [0x61]], [[0xff], [
    0x61,
  ]]];
  for (const dropped of [...prefixes, ...pairs]) {
    for (const isFolded of [false, true]) {
      const folder = freshFolder();
      const file = DataFile.open(folder);
      const batch = (kind: Kind, key: readonly number[]) =>
        encode([{
          ...{ kind, key: spanOf(new Uint8Array(key)), expiresAtMs: 0 },
          value: kind === Kind.STORED ? spanOf("x") : null,
        }]);
      file.commit(keys.map((key) => batch(Kind.STORED, key)));
      foldAll(file, 2);
      const drops = dropped.map((prefix) => batch(Kind.DROPPED, prefix));
      file.commit([...drops, batch(Kind.STORED, [0x61, 1])]);
      if (isFolded) foldAll(file, 2);
      file.close();
      const again = DataFile.openExisting(folder);
      const left = [...again.contents().items].map(({ key }) => [...key]);
      again.close();
      const isLeft = (key: readonly number[]) =>
        !dropped.some((prefix) => prefix.every((byte, i) => byte === key[i]));
      const expected = keys.filter(isLeft);
      assertEquals(left.toSorted(), [...expected, [0x61, 1]].toSorted());
    }
  }
});

test("a fold ends with every batch in the items, and removes none for its expiry", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  // The machine's clock may have been set meanwhile: only the server knows what has expired.
  for (let i = 0; i < 40; i++) file.commit([batchOf({ [`old ${i}`]: "x" }, 1_000)]);
  foldAll(file, 16);
  assertEquals(file.sqlite.prepare("SELECT count(*) AS n FROM batch").get()?.n, 0);
  assertEquals(Object.keys(contentsOf(folder)).length, 40);
  file.close();
});

test("a purge removes what has expired and was not touched since", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  for (let i = 0; i < 40; i++) file.commit([batchOf({ [`old ${i}`]: "x" }, 1_000)]);
  file.commit([batchOf({ new: "x" }, 3_000), batchOf({ ever: "x" })]);
  foldAll(file, 16);
  file.commit([touchOf("old 7", 4_000)]);
  file.contents().items.return(undefined);
  while (file.purge(2_000, 16));
  file.sqlite.exec("COMMIT");
  file.close();
  assertEquals(contentsOf(folder), { ever: "x", new: "x+3000", "old 7": "x+4000" });
});

test("what a failed transaction left in the log is overwritten, again and again if need be", {
  skip,
}, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1" })]);
  const { exec } = file.sqlite;
  const run: string[] = [];
  // SQLite itself fails only where a sync does.
  const failing = (statements: RegExp) => (sql: string) => {
    run.push(sql);
    if (statements.test(sql)) throw new Error("the disk reports errors");
    exec.call(file.sqlite, sql);
  };
  file.sqlite.exec = failing(/COMMIT|user_version/);
  assertThrows(() => file.commit([batchOf({ a: "2" })]), Error, "the disk reports errors");
  assertMatch(run.at(-1) ?? "", /user_version/);
  assertEquals(file.overwriteRefused(), false);
  file.sqlite.exec = failing(/COMMIT/);
  const log = () => readFileSync(join(folder, `${FILE_NAME}-wal`));
  const before = log();
  assertEquals(file.overwriteRefused(), true);
  assert(log().length > before.length, "a frame was written");
  run.length = 0;
  assertEquals([file.overwriteRefused(), run.length], [true, 0]);
  file.sqlite.exec = exec;
  file.close();
  assertEquals(contentsOf(folder), { a: "1" });
});

test("new expiries of large values are folded a few at a time", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  const value = "x".repeat(2 ** 20);
  for (const key of keys) file.commit([batchOf({ [key]: value })]);
  foldAll(file, 4);
  file.commit(keys.map((key) => touchOf(key, 5_000)));
  const foldedExpiries = () =>
    Number(file.sqlite.prepare("SELECT count(*) AS n FROM item WHERE expires = 5000").get()?.n);
  const fold = new Fold(file);
  for (let before = 0, more = true; more; before = foldedExpiries()) {
    more = fold.step(256, 1);
    assert(foldedExpiries() - before <= 2, "a step rewrites 2 MiB at most");
  }
  assertEquals(foldedExpiries(), keys.length);
  file.close();
});

test(
  "a folded expiry changes no value, and an old file is read as it is",
  { skip },
  () => {
    const folder = freshFolder();
    const file = DataFile.open(folder);
    file.commit([batchOf({ a: "1", b: "2" }), touchOf("a", 5_000), touchOf("missing", 5_000)]);
    foldAll(file, 16);
    file.commit([touchOf("b", 6_000), batchOf({ c: null }), touchOf("c", 7_000)]);
    file.sqlite.exec("PRAGMA user_version = 1");
    file.close();
    assertEquals(contentsOf(folder), { a: "1+5000", b: "2+6000" });
  },
);

test("a log without its database, or with an empty one, is refused and kept", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1" })]);
  const [path, log] = [join(folder, FILE_NAME), join(folder, `${FILE_NAME}-wal`)];
  const [bytes, logBytes] = [readFileSync(path), readFileSync(log)];
  file.close();
  for (const left of [null, new Uint8Array(0)]) {
    const broken = freshFolder();
    writeFileSync(join(broken, `${FILE_NAME}-wal`), logBytes);
    if (left !== null) writeFileSync(join(broken, FILE_NAME), left);
    for (let i = 0; i < 2; i++) {
      assertThrows(() => DataFile.open(broken), DataFolderError, "missing or empty");
    }
    writeFileSync(join(broken, FILE_NAME), bytes);
    assertEquals(contentsOf(broken), { a: "1" });
  }
});

test(
  "a full disk fails the commit and nothing else, and later there is room again",
  { skip },
  () => {
    const folder = freshFolder();
    const file = DataFile.open(folder);
    file.commit([batchOf({ a: "1" })]);
    const pages = file.sqlite.prepare("PRAGMA page_count").get()?.page_count as number;
    file.sqlite.prepare(`PRAGMA max_page_count = ${pages}`).get();
    const error = assertThrows(
      () => file.commit([batchOf({ a: "2" }), batchOf({ b: "x".repeat(100_000) })]),
      Error,
    );
    assertMatch(error.message, /full/);
    assertEquals(contentsOf(folder), { a: "1" });
    file.sqlite.prepare("PRAGMA max_page_count = 100000").get();
    file.commit([batchOf({ a: "2" })]);
    assertEquals(contentsOf(folder), { a: "2" });
    file.close();
  },
);

test("damaged or foreign files are refused by name, and left alone", { skip }, () => {
  const refusal = (folder: string) =>
    assertThrows(() => DataFile.open(folder), DataFolderError).message;
  const damaged = freshFolder();
  const noise = new Uint8Array(9_000).fill(77);
  writeFileSync(join(damaged, FILE_NAME), noise);
  assertMatch(refusal(damaged), /damaged, or is not a kg file/);
  assertEquals(new Uint8Array(readFileSync(join(damaged, FILE_NAME))), noise);

  const foreign = freshFolder();
  const other = openSqlite(join(foreign, FILE_NAME));
  other.exec("CREATE TABLE theirs (x)");
  other.close();
  const foreignBytes = readFileSync(join(foreign, FILE_NAME));
  assertMatch(refusal(foreign), /is not a kg file/);
  assertEquals(readFileSync(join(foreign, FILE_NAME)), foreignBytes);

  const newer = freshFolder();
  DataFile.open(newer).close();
  const changed = openSqlite(join(newer, FILE_NAME));
  changed.exec("PRAGMA user_version = 9");
  changed.close();
  const newerBytes = readFileSync(join(newer, FILE_NAME));
  assertMatch(refusal(newer), /format 9, and this kg knows 3; use a newer kg/);
  assertEquals(readFileSync(join(newer, FILE_NAME)), newerBytes);

  const file = join(freshFolder(), "file");
  writeFileSync(file, "");
  assertMatch(refusal(join(file, "folder")), /can't use the data folder/);
  assertThrows(() => DataFile.openExisting(freshFolder()), DataFolderError, "not a data folder");
});

test("a folder that may not be written is read all the same, a running server's log too", {
  skip: skip || (process.getuid?.() === 0 ? "root may write everywhere" : false),
}, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1" })]);
  chmodSync(folder, 0o500);
  assertEquals(contentsOf(folder), { a: "1" });
  chmodSync(folder, 0o700);
  file.close();
  chmodSync(folder, 0o500);
  assertEquals(contentsOf(folder), { a: "1" });
  chmodSync(folder, 0o700);
});

test("a file at rest that is opened to be read can't be written", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1" })]);
  file.close();
  const names = readdirSync(folder);
  const sqlite = openSqliteToRead(join(folder, FILE_NAME), true);
  assertEquals(numberOf(sqlite, "SELECT count(*) AS n FROM batch"), 1);
  assertThrows(() => sqlite.exec("DELETE FROM batch"), Error, "readonly");
  assertEquals(readdirSync(folder), names, "and nothing is made beside it");
  sqlite.close();
});

test("a file whose tables are damaged is refused when it is read", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`key ${i}`, "v"]));
  file.commit([batchOf(many)]);
  foldAll(file, 1_000);
  file.close();
  const path = join(folder, FILE_NAME);
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4_096);
  writeFileSync(path, bytes);
  assertThrows(() => contentsOf(folder), DataFolderError, "damaged");
});

test("a folder has one server at a time, and its files are its owner's alone", { skip }, () => {
  const folder = join(freshFolder(), "new", "folder");
  const unlock = lockFolder(folder);
  assertThrows(() => lockFolder(folder), DataFolderError, "in use by another kg");
  unlock();
  lockFolder(folder)();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1" })]);
  for (const name of ["", "-wal", "-shm"]) {
    assertEquals(statSync(join(folder, FILE_NAME + name)).mode & 0o777, 0o600);
  }
  assertEquals(statSync(folder).mode & 0o777, 0o700);
  file.close();
});

test("a folder that can't be written to is refused by name", { skip }, () => {
  const folder = freshFolder();
  if (process.getuid?.() === 0) return; // Root can write everywhere.
  chmodSync(folder, 0o500);
  assertThrows(() => DataFile.open(folder), DataFolderError, "not writable");
});

test("the thread commits, and reports errors", { skip }, async () => {
  const folder = freshFolder();
  const disk = await ThreadDisk.open(folder);
  await disk.commit(batchOf({ a: "1" }));
  await Promise.all([disk.commit(batchOf({ a: "2" })), disk.commit(batchOf({ b: "3" }))]);
  assertEquals(contentsOf(folder), { a: "2", b: "3" });
  await disk.close();
  await assertRejects(() => disk.commit(batchOf({ c: "4" })), DataFolderError, "has ended");
  assertEquals(contentsOf(folder), { a: "2", b: "3" });

  const bad = freshFolder();
  mkdirSync(join(bad, FILE_NAME));
  await assertRejects(() => ThreadDisk.open(bad), DataFolderError, "can't use the data folder");
});

test("a commit is synced, also after a fold that could not begin", { skip }, () => {
  const folder = freshFolder();
  const file = DataFile.open(folder);
  file.commit([batchOf({ a: "1" })]);
  const fold = new Fold(file);
  const other = openSqlite(join(folder, FILE_NAME));
  other.exec("BEGIN IMMEDIATE");
  assertThrows(() => fold.step(1, 0), Error, "locked");
  other.exec("ROLLBACK");
  other.close();
  file.commit([batchOf({ a: "2" })]);
  const synchronous = () => file.sqlite.prepare("PRAGMA synchronous").get()?.synchronous;
  assertEquals(synchronous(), 2);
  // So does an import, which begins with a fold.
  foldAll(file, 1);
  assertEquals(synchronous(), 2);
  file.close();
});

test("a file that is opened twice by one process stays locked against others", {
  skip: skip || process.platform !== "linux",
}, async () => {
  const folder = freshFolder();
  const disk = await ThreadDisk.open(folder);
  await disk.commit(batchOf({ a: "1" }));
  assertEquals(contentsOf(folder), { a: "1" });
  const { ino } = statSync(join(folder, FILE_NAME));
  assertMatch(readFileSync("/proc/locks", "utf8"), new RegExp(`:${ino} `));
  await disk.close();
});

test("commits requested after one that failed fail too", { skip }, async () => {
  const folder = freshFolder();
  const disk = await ThreadDisk.open(folder);
  await disk.commit(batchOf({ a: "1" }));
  // Another connection locks the file for longer than the thread waits.
  const other = openSqlite(join(folder, FILE_NAME));
  other.exec("BEGIN IMMEDIATE");
  const results = await Promise.allSettled(
    ["2", "3", "4"].map((value) => disk.commit(batchOf({ a: value }))),
  );
  assertEquals(results.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  other.exec("ROLLBACK");
  other.close();
  await disk.commit(batchOf({ b: "5" }));
  assertEquals(contentsOf(folder), { a: "1", b: "5" });
  await disk.close();
});

/** The number of batches in a file that a thread has open. */
function batchesIn(folder: string): number {
  const sqlite = openSqlite(join(folder, FILE_NAME));
  const count = Number(sqlite.prepare("SELECT count(*) AS n FROM batch").get()?.n);
  sqlite.close();
  return count;
}

test("the thread folds, both while it commits and when it is idle", { skip }, async () => {
  const folder = freshFolder();
  const disk = await ThreadDisk.open(folder);
  const expected: Record<string, string> = {};
  const commits = 450;
  for (let i = 0; i < commits; i++) {
    const changes = { [`key ${i % 37}`]: `${i} `.padEnd(100_000, "x"), [`other ${i}`]: "y" };
    Object.assign(expected, changes);
    await disk.commit(batchOf(changes));
  }
  // More than 32 MiB came while the thread was busy; the rest is folded when it is idle.
  const sorted = Object.fromEntries(Object.entries(expected).sort());
  assertEquals(contentsOf(folder), sorted);
  for (let i = 0; i < 200 && batchesIn(folder) > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertEquals(batchesIn(folder), 0);
  await disk.close();
  assertEquals(contentsOf(folder), sorted);
});
