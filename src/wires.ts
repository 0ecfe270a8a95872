/** Opens the wires that a server speaks: one for each of its keys. */

import { isOriginalSlot, type SlottedKey } from "./keyring.ts";
import type { CryptoProvider } from "./protocol/crypto_provider.ts";
import { trafficCiphers } from "./protocol/keys.ts";
import type { MakeWire } from "./turn.ts";
import { version1 } from "./version1.ts";

/** @param serverName goes into the keys of version 1 alone */
export function openWires(
  keys: readonly SlottedKey[],
  provider: CryptoProvider,
  serverName?: string,
): Promise<MakeWire[]> {
  return Promise.all(keys.map(async ({ slot, key }) => {
    if (!isOriginalSlot(slot)) {
      return version1(await trafficCiphers(key, provider, serverName), slot);
    }
    const { openSkvsWire } = await import("./doors/skvs.ts");
    return await openSkvsWire({ provider, key, keySlot: slot });
  }));
}
