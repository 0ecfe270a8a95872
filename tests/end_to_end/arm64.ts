/** A machine of arm64 with Debian's C library and OpenSSL, as far as an emulator and a folder are one. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

const EMULATOR = "qemu-aarch64-static";
const PACKAGES = ["libc6", "libssl3"];

/** Whether there are an emulator, and packages to be had; or they have to be there. */
export const canEmulate = Boolean(process.env.KG_NEED_QEMU) ||
  [[EMULATOR, "-version"], ["apt-get", "--version"], ["dpkg", "--version"]].every((command) =>
    spawnSync(command[0], command.slice(1)).status === 0
  );

/** What runs a program of arm64: arguments that come before it. @param folder for that machine's files */
export function emulator(folder: string): string[] {
  const root = join(folder, "arm64");
  const packages = join(root, "packages");
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(packages, folder), { recursive: true });
  }
  // All that apt remembers is in this folder, so that the machine itself knows no other architecture.
  const options = [
    "APT::Architecture=arm64",
    "APT::Architectures=arm64",
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    `Dir::State::Lists=${packages}/lists`,
    `Dir::State::status=/dev/null`,
    `Dir::Cache=${packages}/cache`,
  ].flatMap((option) => ["-o", option]);
  run("apt-get", [...options, "-qq", "update"], packages);
  run("apt-get", [...options, "-qq", "download", ...PACKAGES], packages);
  for (const name of readdirSync(packages).filter((each) => each.endsWith(".deb"))) {
    run("dpkg-deb", ["--extract", name, root], packages);
  }
  return [EMULATOR, "-L", root];
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
