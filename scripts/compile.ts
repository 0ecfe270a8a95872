/**
 * Makes the self-contained binary: dist/kg for this machine, or with --all one for each system
 * that Kilogram supports, with their SHA-256 sums.
 *
 *     bun scripts/compile.ts [--all]
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
/** The program, and the threads it starts. */
const ENTRIES = [
  "cli.ts",
  "runtime/sqlite/worker.ts",
  "runtime/readers/thread.ts",
  "commands/bench_thread.ts",
].map((file) => join(ROOT, "src", file));

const TARGETS = [
  "linux-x64",
  "linux-x64-musl",
  "linux-arm64",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
  "windows-x64",
];

/**
 * The program reads no .env and no bunfig.toml from the folder it is started in. Bytecode makes it
 * 2 % larger and halves its start-up time.
 */
const FLAGS = [
  "--minify",
  "--bytecode",
  "--format=esm",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const { values } = parseArgs({ options: { all: { type: "boolean" } } });
mkdirSync(DIST, { recursive: true });
if (values.all) compileAll();
else compile(join(DIST, process.platform === "win32" ? "kg.exe" : "kg"), []);

function compileAll(): void {
  const files = TARGETS.map((target, i) => {
    const file = join(DIST, `kg-${target}${target.startsWith("windows") ? ".exe" : ""}`);
    process.stdout.write(`[${i + 1}/${TARGETS.length}] `);
    compile(file, [`--target=bun-${target}`]);
    return file;
  });
  const sums = files.map((file) => `${sha256(file)}  ${basename(file)}\n`);
  writeFileSync(join(DIST, "SHA256SUMS"), sums.join(""));
  process.stdout.write(`dist/SHA256SUMS\n`);
}

function compile(outfile: string, targetFlags: readonly string[]): void {
  const args = ["build", "--compile", ...FLAGS, ...targetFlags, ...ENTRIES, "--outfile", outfile];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: DIST, encoding: "utf8" });
  if (status !== 0) {
    process.stderr.write(`${stderr}\n${basename(outfile)} could not be compiled.\n`);
    process.exit(1);
  }
  const megabytes = (statSync(outfile).size / 1e6).toFixed(0);
  process.stdout.write(`dist/${basename(outfile)}  ${megabytes} MB\n`);
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
