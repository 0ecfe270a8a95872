/** Some keys of the server, for the Tab key: what can't be had soon is not offered. */

import { Buffer } from "node:buffer";
import type { Client } from "../client.ts";

const MOST = 50;
const PATIENCE_MS = 300;

/** @param client made when it is first needed; null if it can't be made */
export async function someKeys(
  client: () => Promise<Client | null>,
  prefix: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    const kv = (await client())?.within(PATIENCE_MS);
    if (kv === undefined) return [];
    const untilMs = performance.now() + PATIENCE_MS;
    for await (const key of kv.keys(prefix)) {
      const text = Buffer.from(key).toString();
      if (!/[\p{Cc}\ufffd]/u.test(text)) found.push(text);
      if (found.length === MOST || performance.now() > untilMs) break;
    }
  } catch {
    // What was found by then.
  }
  return found.sort();
}
