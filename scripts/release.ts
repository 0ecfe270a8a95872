/**
 * Makes a release: an archive for each system, a bill of materials, and last their SHA-256 sums. The same
 * commit gives the same bytes, on Linux and x64: times are the commit's, or SOURCE_DATE_EPOCH.
 *
 *     npm run release [-- --targets linux-x64,linux-arm64] [--into NEW_FOLDER]
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { VERSION } from "../src/version.ts";
import { bunFor } from "./release/bun_runtime.ts";
import { contentsOf } from "./release/contents.ts";
import { signAdHoc } from "./release/macho.ts";
import { billOfMaterials } from "./release/sbom.ts";
import { tarGz } from "./release/tar.ts";
import { type Target, targetsOf } from "./release/targets.ts";
import { zip } from "./release/zip.ts";

/** Made anew by each release. */
const RELEASE = join("dist", "release");

try {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  release();
} catch (error) {
  say(`No release was made: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

function release(): void {
  const { values } = parseArgs({
    options: { targets: { type: "string" }, into: { type: "string" } },
  });
  const targets = targetsOf(values.targets);
  const bunVersion = checkBun();
  const timeS = commitTimeS();
  const into = newFolder(values.into);
  for (const [i, target] of targets.entries()) {
    say(`[${i + 1}/${targets.length}] ${target.name}`);
    const [name, bytes] = makeArchive(target, timeS);
    writeFileSync(join(into, name), bytes);
    say(`    ${name}  ${(bytes.length / 1e6).toFixed(0)} MB`);
  }
  const bill = billOfMaterials({ version: VERSION, bunVersion, timeS });
  writeFileSync(join(into, `kg-${VERSION}.cdx.json`), bill);
  writeFileSync(join(into, "SHA256SUMS"), sumsOf(into));
  say(`${into} has ${targets.length} archive(s), a bill of materials, and SHA256SUMS.`);
}

/** @param given must not exist */
function newFolder(given: string | undefined): string {
  if (given === undefined) rmSync(RELEASE, { recursive: true, force: true });
  const into = given ?? RELEASE;
  if (existsSync(into)) throw new Error(`${into} exists`);
  mkdirSync(into, { recursive: true });
  return into;
}

function makeArchive(target: Target, timeS: number): [name: string, bytes: Uint8Array] {
  const folder = `kg-${VERSION}-${target.name}`;
  // Bun writes the file's name into it: with this one it is the very program that the tests run, dist/kg.
  const file = join("dist", target.name, target.system === "windows" ? "kg.exe" : "kg");
  compile(target, file);
  const program = readFileSync(file);
  rmSync(dirname(file), { recursive: true });
  const isWronglySigned = target.name === "darwin-x64";
  const files = contentsOf(target, folder, isWronglySigned ? signAdHoc(program) : program);
  return target.system === "windows"
    ? [`${folder}.zip`, zip(files, timeS)]
    : [`${folder}.tar.gz`, tarGz(files, timeS)];
}

function compile(target: Target, outfile: string): void {
  const runtime = bunFor(target);
  const options = ["--target", target.name, "--runtime", runtime, "--outfile", outfile];
  const args = ["scripts/compile.ts", ...options];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim());
}

/** package.json says which Bun is in the program; another one would compile otherwise. */
function checkBun(): string {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const wanted: string = devDependencies.bun;
  const { bun } = process.versions;
  if (bun === wanted) return wanted;
  throw new Error(`it takes Bun ${wanted}, and this is ${bun ?? "none"}: npm ci, npm run release`);
}

function commitTimeS(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  const text = given ??
    spawnSync("git", ["log", "-1", "--format=%ct"], { encoding: "utf8" }).stdout;
  if (/^\d+\s*$/.test(text ?? "")) return Number(text);
  throw new Error("set SOURCE_DATE_EPOCH to its time, in seconds since 1970: git can't tell it");
}

/** As `sha256sum --check` reads them. */
function sumsOf(folder: string): string {
  const lines = readdirSync(folder).sort().map((name) => {
    const sum = createHash("sha256").update(readFileSync(join(folder, name))).digest("hex");
    return `${sum}  ${name}\n`;
  });
  return lines.join("");
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
