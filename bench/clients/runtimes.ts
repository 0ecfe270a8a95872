/** The runtimes that the benchmark of clients can have on this machine. */

import { spawnSync } from "node:child_process";

export interface RuntimeProgram {
  /** With its version. */
  readonly name: string;
  /** The program, and its arguments before the script. */
  readonly command: readonly [string, ...string[]];
  readonly kind: "node" | "deno" | "bun";
}

/** Packages of npm that hold a runtime; npm keeps them once they were fetched. */
const PACKAGES = ["node@20", "node@22", "node@24", "deno@2.9.6"];

/** Those that can be had; says which can't. */
export function availableRuntimes(): RuntimeProgram[] {
  const bun: RuntimeProgram = {
    name: `Bun ${process.versions.bun}`,
    command: [process.execPath],
    kind: "bun",
  };
  return [...PACKAGES.flatMap(fetched), bun];
}

function fetched(name: string): RuntimeProgram[] {
  const kind = name.startsWith("node") ? "node" : "deno";
  const npx = spawnSync("npx", ["--yes", `--package=${name}`, "-c", `which ${kind}`], {
    encoding: "utf8",
  });
  const path = npx.stdout?.trim();
  const { status, stdout } = spawnSync(path || kind, ["--version"], { encoding: "utf8" });
  if (!path || status !== 0) {
    console.error(`${name} can't be had: measuring without it.`);
    return [];
  }
  const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0];
  if (kind === "node") return [{ name: `Node ${version}`, command: [path], kind }];
  const command = [path, "run", "--quiet", "--no-check", "--unstable-net", "--allow-all"] as const;
  return [{ name: `Deno ${version}`, command: [...command], kind }];
}
