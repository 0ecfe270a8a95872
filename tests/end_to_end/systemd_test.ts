/** The unit of systemd, as far as systemd judges it without running it. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";

const MAX_EXPOSURE = 2.0;
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
const skip = hasSystemd || process.env.KG_NEED_TOOLS ? false : "this machine has no systemd";
const unit = readFileSync("deploy/kilogram.service", "utf8");
const dropIn = readFileSync("deploy/kilogram.service.d/local.conf", "utf8");

/** The unit in a folder of its own, with a program that this machine has. */
function unitFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "kilogram-unit-")), "kilogram.service");
  writeFileSync(file, text.replaceAll("/usr/local/bin/kg", process.execPath));
  return file;
}

function analyze(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  assertEquals([status, stderr], [0, ""], args.join(" "));
  return stdout;
}

test("systemd finds nothing wrong with the unit and the example of a drop-in", { skip }, () => {
  analyze("verify", unitFile(unit));
  analyze("verify", unitFile(`${unit}\n${dropIn}`));
});

test("the unit may do little", { skip }, () => {
  const report = analyze("security", "--offline=true", "--no-pager", unitFile(unit));
  const exposure = /exposure level for kilogram.service: ([\d.]+)/.exec(report)?.[1];
  assert(Number(exposure) <= MAX_EXPOSURE, `${exposure}`);
});

test("the unit lets the server make code, read its key and say that it is ready", () => {
  assert(!/^MemoryDenyWriteExecute/m.test(unit));
  assertMatch(unit, /^LoadCredential=key:\/etc\/kilogram\/key$/m);
  assertMatch(unit, /^Type=notify$/m);
});
