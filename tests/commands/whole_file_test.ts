import { test } from "node:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { checkWritable, draftOf, FOR_ALL, writeWholeFile } from "../../src/commands/whole_file.ts";

const freshFolder = () => mkdtempSync(join(tmpdir(), "kilogram-whole-"));
const modeOf = (path: string) => statSync(path).mode & 0o777;

test("a file is readable by its owner alone, whatever was left there, and appears whole", async () => {
  const folder = freshFolder();
  const path = join(folder, "backup");
  writeFileSync(path, "old", { mode: 0o644 });
  writeFileSync(`${path}.partial`, "a trap", { mode: 0o666 });
  await writeWholeFile(path, (write) => {
    write("new");
    assertEquals(readFileSync(path, "utf8"), "old");
    for (const name of readdirSync(folder)) {
      if (/\.[0-9a-f]{16}\.partial$/.test(name)) assertEquals(modeOf(join(folder, name)), 0o600);
    }
    write(" one");
  });
  assertEquals([readFileSync(path, "utf8"), modeOf(path)], ["new one", 0o600]);
  assertEquals(readFileSync(`${path}.partial`, "utf8"), "a trap");
  assertEquals(readdirSync(folder).length, 2);
});

test("a failed write leaves the older file, and nothing beside it", async () => {
  const folder = freshFolder();
  const path = join(folder, "backup");
  writeFileSync(path, "old");
  await assertRejects(() =>
    writeWholeFile(path, (write) => {
      write("half");
      throw new Error("no more");
    }), Error);
  assertEquals([readFileSync(path, "utf8"), readdirSync(folder)], ["old", ["backup"]]);
});

test("a link is followed to the file that is written, and stays a link", async () => {
  const folder = freshFolder();
  const [target, link] = [join(folder, "target"), join(folder, "link")];
  writeFileSync(target, "old");
  chmodSync(target, 0o644);
  symlinkSync(target, link);
  await writeWholeFile(link, (write) => write("new"));
  assert(lstatSync(link).isSymbolicLink());
  assertEquals(readFileSync(target, "utf8"), "new");
});

test("a file that is not regular is written to, and not replaced", {
  skip: !existsSync("/dev/full"),
}, async () => {
  await assertRejects(() => writeWholeFile("/dev/full", (write) => write("x")), Error);
  assert(statSync("/dev/full").isCharacterDevice());
  await writeWholeFile("/dev/null", (write) => write("x"));
  assert(statSync("/dev/null").isCharacterDevice());
});

test("nobody can guess the name of a draft", async () => {
  assert(draftOf("/a/b") !== draftOf("/a/b"));
});

test("whether a file can be written is found out without a trace", () => {
  const folder = freshFolder();
  const path = join(folder, "report.svg");
  checkWritable(path);
  assertEquals(readdirSync(folder), []);
  writeFileSync(path, "old");
  checkWritable(path);
  assertEquals([readFileSync(path, "utf8"), readdirSync(folder)], ["old", ["report.svg"]]);
  assertThrows(() => checkWritable(join(folder, "none", "report.svg")), Error);
  assertThrows(() => checkWritable(folder), Error);
});

test("a file that is meant for others can be read by them, as the umask allows", async () => {
  const path = join(freshFolder(), "report.svg");
  await writeWholeFile(path, (write) => write("<svg/>"), FOR_ALL);
  assertEquals(modeOf(path), FOR_ALL & ~process.umask());
});
