/** Bun for another system, from npm: the package whose digest package-lock.json has. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "./targets.ts";

/** Fetched once, and kept. */
const KEPT = join("dist", "runtimes");

interface Locked {
  readonly version: string;
  readonly integrity: string;
}

/** @returns the path of the executable @throws {Error} if it can't be had, or is another */
export function bunFor({ name, runtime, system }: Target): string {
  const locked = lockedPackage(runtime);
  const folder = join(KEPT, `bun-${locked.version}-${name}`);
  const file = join(folder, "package", "bin", system === "windows" ? "bun.exe" : "bun");
  if (existsSync(file)) return file;
  const draft = `${folder}.partial`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const spec = `${runtime}@${locked.version}`;
  process.stderr.write(`    fetching ${spec}\n`);
  const pack = ["pack", spec, "--silent", "--pack-destination", draft];
  const archive = join(draft, run("npm", pack).trim());
  const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (digest !== locked.integrity) {
    throw new Error(`${spec} is not the package that package-lock.json names: ${digest}`);
  }
  run("tar", ["-xzf", archive, "-C", draft]);
  rmSync(archive);
  renameSync(draft, folder);
  return file;
}

function lockedPackage(name: string): Locked {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const locked: Locked | undefined = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`);
  return locked;
}

/** @returns what the program prints */
function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${[program, ...args].join(" ")} failed: ${error?.message ?? stderr.trim()}`);
}
