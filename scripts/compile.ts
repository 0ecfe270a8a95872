/**
 * Makes the self-contained binary: dist/kg for this machine, or a file for another one, around the Bun of that.
 *
 *     bun scripts/compile.ts [--target linux-arm64 --runtime BUN --outfile FILE]
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
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

/**
 * The program reads no .env and no bunfig.toml from the folder it is started in. Bytecode makes it
 * 2 % larger and halves its start-up time; splitting lets a command load what it imports, and no more.
 */
const FLAGS = [
  "--minify",
  "--splitting",
  "--bytecode",
  "--format=esm",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const { target, runtime, outfile = defaultFile() } = parseArgs({
  options: {
    target: { type: "string" },
    runtime: { type: "string" },
    outfile: { type: "string" },
  },
}).values;
const file = resolve(outfile);
const forAnother = [
  ...(target === undefined ? [] : [`--target=bun-${target}`]),
  ...(runtime === undefined ? [] : [`--compile-executable-path=${resolve(runtime)}`]),
];
mkdirSync(DIST, { recursive: true });
const args = ["build", "--compile", ...FLAGS, ...forAnother, ...ENTRIES, "--outfile", file];
const { status, stderr } = spawnSync(process.execPath, args, { cwd: DIST, encoding: "utf8" });
if (status !== 0) {
  process.stderr.write(`${stderr}\n${file} could not be compiled.\n`);
  process.exit(1);
}
const megabytes = (statSync(file).size / 1e6).toFixed(0);
process.stdout.write(`${relative(ROOT, file)}  ${megabytes} MB\n`);

function defaultFile(): string {
  return join(DIST, process.platform === "win32" ? "kg.exe" : "kg");
}
