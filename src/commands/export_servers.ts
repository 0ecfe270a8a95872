/** Exports what servers have, by SCAN and GET. */

import type { Calls } from "../client.ts";
import { TooLargeError } from "../errors.ts";
import { inParallel } from "../in_parallel.ts";
import type { Input } from "./command.ts";
import { countKeys } from "./each_server.ts";
import { LineWriter } from "./line_writer.ts";
import { complain } from "./output.ts";
import { LoadProgress } from "./progress.ts";
import { formatKeys } from "./quantities.ts";
import { withClient } from "./with_client.ts";
import type { Write } from "./whole_file.ts";

/** GETs outstanding at a time. */
const OUTSTANDING = 64;

/** @returns how many keys had to be left out, being too large for a datagram */
export async function exportServers(input: Input, write: Write): Promise<number> {
  return await withClient(input, async (kv) => {
    const names = kv.holders();
    const lines = new LineWriter(write, new LoadProgress("exporting", await countKeys(kv)));
    let left = 0;
    let astray = 0;
    for (const name of names) {
      const one = kv.at(name);
      await inParallel(one.keys(""), OUTSTANDING, async (key) => {
        if (kv.serverOf(key) !== name) astray++;
        else if (!await addItem(one, key, lines, names.length > 1 ? name : undefined)) left++;
      });
    }
    const exported = lines.end();
    const note = left === 0 ? "" : `; left out as too large for a datagram: ${left}`;
    complain(`exported ${formatKeys(exported)}${note}`);
    if (astray > 0) complain(`${astray} left out: on a server that is not theirs by this list`);
    return left;
  });
}

async function addItem(
  one: Calls<true>,
  key: Uint8Array,
  lines: LineWriter,
  server: string | undefined,
): Promise<boolean> {
  try {
    const item = await one.getItem(key);
    if (item === undefined) return true;
    const expiresAtMs = item.ttl === undefined ? 0 : Date.now() + item.ttl;
    lines.add({ key, value: item.value, expiresAtMs }, server);
    return true;
  } catch (error) {
    if (error instanceof TooLargeError) return false;
    throw error;
  }
}
