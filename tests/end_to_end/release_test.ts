/** A release is made, checked as its users check it, and run: for arm64, by an emulator. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../src/version.ts";
import { canEmulate, emulator } from "./arm64.ts";
import { freshEnvironment, kg, startServer } from "./programs.ts";

const NAME = `kg-${VERSION}-linux-arm64`;
const folder = mkdtempSync(join(tmpdir(), "kilogram-release-"));
const RELEASE = join(folder, "release");
const isBun = "Bun" in globalThis;
const skip = !isBun || !canEmulate;

after(() => rmSync(folder, { recursive: true }));

function run(command: string, cwd = "."): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { cwd, encoding: "utf8" });
  assertEquals([status, status === 0 ? "" : stderr], [0, ""], command);
  return stdout;
}

const operating = readFileSync("docs/OPERATING.md", "utf8");

/** The first block of shell commands in docs/OPERATING.md, for arm64 and without root. */
function installCommands(bin: string): string {
  const block = /```sh\n([^]*?)```/.exec(operating)?.[1] ?? "";
  return block.replace("linux-x64", "linux-arm64").replace("sudo ", "")
    .replace("/usr/local/bin", bin);
}

test("the program for arm64 is released, installed, and serves with arm64's OpenSSL", {
  skip,
}, async () => {
  run(`'${process.execPath}' scripts/release.ts --targets linux-arm64 --into ${RELEASE}`);
  const sums = run("sha256sum --check SHA256SUMS", RELEASE);
  assertEquals(sums, `${NAME}.tar.gz: OK\nkg-${VERSION}.cdx.json: OK\n`);
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = [...emulator(folder), join(bin, "kg")];
  const here = `set -e; RELEASE_URL=file://${RELEASE}; kg() { ${program.join(" ")} "$@"; }\n`;
  const installed = run(here + installCommands(bin), folder);
  assertMatch(installed, /: OK\nkg .*AES-256-GCM by OpenSSL\)\n$/);
  const papers = ["LICENSE", "README.md", "OPERATING.md", "kg.1", "kilogram.service"];
  for (const name of [...papers, "completions/kg.bash", "completions/_kg", "completions/kg.fish"]) {
    assert(existsSync(join(folder, NAME, name)), name);
  }
  const env = freshEnvironment();
  const server = await startServer(env, [], program);
  assertMatch(server.output(), /sealing: OpenSSL/);
  const to = { ...env, KG_SERVER: server.addresses[0] };
  assertEquals(kg(to, ["set", "greeting", "hello"], { program }).status, 0);
  assertEquals(kg(to, ["get", "greeting", "--crypto", "node"], { program }).text, "hello");
  assertEquals(kg(to, ["get", "greeting"]).text, "hello", "from this machine's own program");
  assertEquals(await server.stop(), 0);
});

test(
  "the bill of materials names the program and the runtime in it, and nothing else",
  { skip },
  () => {
    const bill = JSON.parse(readFileSync(`${RELEASE}/kg-${VERSION}.cdx.json`, "utf8"));
    assertEquals([bill.bomFormat, bill.specVersion], ["CycloneDX", "1.6"]);
    const { name, version } = bill.metadata.component;
    assertEquals([name, version], ["kilogram", VERSION]);
    assertEquals(bill.components.map((each: { purl: string }) => each.purl), [
      `pkg:npm/bun@${process.versions.bun}`,
    ]);
  },
);

test("docs/OPERATING.md installs this version", () => {
  const versions = [...operating.matchAll(/(?:kg-|VERSION=)(\d+\.\d+\.\d+)/g)];
  assert(versions.length >= 3);
  for (const [, version] of versions) assertEquals(version, VERSION);
});

test("a release for a system that there is not is refused", { skip: !isBun }, () => {
  const args = ["scripts/release.ts", "--targets", "linux-x64,vax"];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assertEquals(status, 1);
  assertMatch(stderr, /^No release was made: there is no target "vax"; choose from linux-x64, /);
});
