/** Installs the clients beside the tests, in a folder that git does not see. */

import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The tests run from the project's own folder. */
const HERE = join("tests", "clients");
const MODULES = join(HERE, "node_modules");
const INSTALL_BOUND_MS = 300_000;
/** For a registry that may be out of reach, where waiting for it would hold up everything. */
const OPTIONAL_BOUND_MS = 60_000;

const REDIS_PY = "8.1.0";
/** Lives and ends with the other clients. */
const REDIS_PY_FOLDER = join(MODULES, ".redis-py");

/** Installs what package-lock.json names, unless that is what is there. */
export function installPackages(): void {
  const lock = join(HERE, "package-lock.json");
  const installed = join(MODULES, ".installed-lock.json");
  if (existsSync(installed) && readFileSync(installed).equals(readFileSync(lock))) return;
  // No scripts: one of them would compile a database that nobody here asks for.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const result = run("npm", args, { cwd: HERE, timeout: INSTALL_BOUND_MS });
  if (result.status !== 0) throw new Error(`npm ci in ${HERE} failed: ${lastWords(result)}`);
  copyFileSync(lock, installed);
}

/** Whether a package can be imported: some are there for some kinds of machines only. */
export function canImport(name: string): boolean {
  return run("node", ["--eval", `require("${name}")`], { cwd: HERE }).status === 0;
}

/** A Python that has redis-py, as Debian's python3-redis; Debian's may not be the first one. */
export function pythonWithRedis(): string | undefined {
  return ["python3", "/usr/bin/python3"].find((python) =>
    run(python, ["-c", "import redis"]).status === 0
  );
}

/** A Python of its own with redis-py from PyPI, or why there is none. */
export function pythonWithNewestRedis(): { python: string } | { missing: string } {
  const python = join(REDIS_PY_FOLDER, "bin", "python");
  const check = ["-c", `import redis; assert redis.__version__ == "${REDIS_PY}"`];
  if (run(python, check).status === 0) return { python };
  if (!existsSync(python)) {
    const made = run("python3", ["-m", "venv", REDIS_PY_FOLDER], { timeout: OPTIONAL_BOUND_MS });
    if (made.status !== 0) return { missing: `python3 -m venv failed: ${lastWords(made)}` };
  }
  const patience = ["--retries", "0", "--timeout", "5"];
  const args = ["-m", "pip", "install", "--quiet", ...patience, `redis==${REDIS_PY}`];
  const result = run(python, args, { timeout: OPTIONAL_BOUND_MS });
  if (result.status === 0) return { python };
  return { missing: `pip can't install redis-py ${REDIS_PY}: ${lastWords(result)}` };
}

function run(program: string, args: readonly string[], options = {}): SpawnSyncReturns<string> {
  return spawnSync(program, args, { encoding: "utf8", ...options });
}

function lastWords({ error, stdout, stderr }: SpawnSyncReturns<string>): string {
  return error?.message ?? `${stdout}\n${stderr}`.trim().split("\n").at(-1) ?? "";
}
