/** What the archive of a release holds. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ArchivedFile } from "./archive.ts";
import type { Target } from "./targets.ts";

/** What kg prints about itself: the arguments, and the file. */
const PRINTED: readonly (readonly [args: readonly string[], path: string])[] = [
  [["completions", "bash"], "completions/kg.bash"],
  [["completions", "zsh"], "completions/_kg"],
  [["completions", "fish"], "completions/kg.fish"],
  [["man"], "kg.1"],
];

/** From deploy/, for Linux. */
const SERVICE = ["kilogram.service", "kilogram.service.d/local.conf"];

/** @param folder the archive's one folder @param program the executable */
export function contentsOf(target: Target, folder: string, program: Uint8Array): ArchivedFile[] {
  const isWindows = target.system === "windows";
  const files: [path: string, bytes: Uint8Array][] = [
    ["LICENSE", readFileSync("LICENSE")],
    ["README.md", readFileSync("README.md")],
    ["OPERATING.md", readFileSync("docs/OPERATING.md")],
    ...printedFiles(),
  ];
  if (target.system === "linux") {
    for (const path of SERVICE) files.push([path, readFileSync(`deploy/${path}`)]);
  }
  return [
    { path: `${folder}/${isWindows ? "kg.exe" : "kg"}`, bytes: program, isProgram: true },
    ...files.map(([path, bytes]) => ({ path: `${folder}/${path}`, bytes, isProgram: false })),
  ];
}

/** Made once; this machine's Bun runs kg from its source. */
let printed: [path: string, bytes: Uint8Array][] | undefined;

function printedFiles(): [path: string, bytes: Uint8Array][] {
  return printed ??= PRINTED
    .map(([args, path]) => {
      const kg = ["src/cli.ts", ...args];
      const { status, stdout, stderr } = spawnSync(process.execPath, kg);
      if (status === 0 && stdout.length > 0) return [path, stdout];
      throw new Error(`kg ${args.join(" ")} ended with ${status}: ${stderr}`);
    });
}
