import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import type { ArchivedFile } from "../../scripts/release/archive.ts";
import { tarGz } from "../../scripts/release/tar.ts";
import { zip } from "../../scripts/release/zip.ts";

/** 2026-11-26 13:04:24 UTC. */
const TIME_S = 1_795_698_264;
const FILES: readonly ArchivedFile[] = [
  { path: "kg-1/kg", bytes: new Uint8Array(100_000).fill(7), isProgram: true },
  { path: "kg-1/README.md", bytes: new TextEncoder().encode("Straße\n"), isProgram: false },
  { path: "kg-1/empty", bytes: new Uint8Array(0), isProgram: false },
];
const digest = (i: number) => createHash("sha256").update(FILES[i].bytes).digest("hex");
const folder = mkdtempSync(join(tmpdir(), "kilogram-archive-"));
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const skip = hasPython ? false : "this machine has no Python";

/** What Python sees in an archive: the files in their order, with time, owner, mode and contents. */
const LOOK = `
import hashlib, sys, tarfile, zipfile
path = sys.argv[1]
digest = lambda data: hashlib.sha256(data).hexdigest()
if path.endswith(".zip"):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for each in archive.infolist():
            time = "%d-%d-%d %d:%d:%d" % each.date_time
            print(each.filename, time, 0, oct(each.external_attr >> 16), digest(archive.read(each)))
else:
    import datetime
    with tarfile.open(path) as archive:
        for each in archive.getmembers():
            time = datetime.datetime.utcfromtimestamp(each.mtime)
            time = "%d-%d-%d %d:%d:%d" % time.timetuple()[:6]
            data = archive.extractfile(each).read()
            print(each.name, time, each.uid + each.gid, oct(each.mode | 0o100000), digest(data))
`;

for (const [name, make] of [["a.tar.gz", tarGz], ["a.zip", zip]] as const) {
  test(`${name} has the files in order, of one time and of nobody`, { skip }, () => {
    const file = join(folder, name);
    writeFileSync(file, make(FILES, TIME_S));
    const seen = execFileSync("python3", ["-W", "ignore", "-c", LOOK, file], { encoding: "utf8" });
    assertEquals(seen.trimEnd().split("\n"), [
      `kg-1/README.md 2026-11-26 13:4:24 0 0o100644 ${digest(1)}`,
      `kg-1/empty 2026-11-26 13:4:24 0 0o100644 ${digest(2)}`,
      `kg-1/kg 2026-11-26 13:4:24 0 0o100755 ${digest(0)}`,
    ]);
    assertEquals(Buffer.compare(readFileSync(file), make([...FILES].reverse(), TIME_S)), 0);
  });
}

test("a path that has no room is refused", () => {
  const path = "x".repeat(101);
  assertThrows(() => tarGz([{ path, bytes: new Uint8Array(0), isProgram: false }], TIME_S), Error);
});
