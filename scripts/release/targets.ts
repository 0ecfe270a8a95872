/** The systems that a release is for. */

export interface Target {
  /** As in the archive's name, and after "bun-" as Bun has it. */
  readonly name: string;
  /** The package that has Bun for it, in package-lock.json. */
  readonly runtime: string;
  readonly system: "linux" | "darwin" | "windows";
}

/** Each with Bun's names for it. */
const RUNTIMES: readonly (readonly [name: string, runtime: string])[] = [
  ["linux-x64", "@oven/bun-linux-x64"],
  ["linux-arm64", "@oven/bun-linux-aarch64"],
  ["linux-x64-musl", "@oven/bun-linux-x64-musl"],
  ["linux-arm64-musl", "@oven/bun-linux-aarch64-musl"],
  ["darwin-x64", "@oven/bun-darwin-x64"],
  ["darwin-arm64", "@oven/bun-darwin-aarch64"],
  ["windows-x64", "@oven/bun-windows-x64"],
];

export const TARGETS: readonly Target[] = RUNTIMES.map(([name, runtime]) => ({
  name,
  runtime,
  system: name.split("-")[0] as Target["system"],
}));

/** @param names with commas between; undefined for all @throws {Error} for another name */
export function targetsOf(names: string | undefined): readonly Target[] {
  if (names === undefined) return TARGETS;
  return names.split(",").map((name) => {
    const target = TARGETS.find((each) => each.name === name);
    if (target !== undefined) return target;
    const known = TARGETS.map((each) => each.name).join(", ");
    throw new Error(`there is no target "${name}"; choose from ${known}`);
  });
}
