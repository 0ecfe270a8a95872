/** A server's keys: where they come from, and how they are read again while it runs. */

import { type AcceptedKey, Keyring } from "../keyring.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import { keyId } from "../protocol/keys.ts";
import { checkServerName } from "../protocol/server_name.ts";
import type { Counters } from "../statistics.ts";
import type { MakeWire } from "../turn.ts";
import { openWires } from "../wires.ts";
import type { Input, Options } from "./command.ts";
import { findOrMakeKey, type KeyOnHand } from "./key_source.ts";
import { complain } from "./output.ts";
import { wantsSkvs } from "./skvs.ts";
import { skvsKeys } from "./skvs_key.ts";

export const NAME_OPTION = {
  name: {
    type: "string",
    value: "NAME",
    help: "a name that clients give too, as in cache-1=HOST:PORT",
  },
} as const satisfies Options;

/** @throws {InvalidArgumentError} for what is no name */
export function nameOf(input: Input): string | undefined {
  const name = input.text("name");
  return name === undefined ? undefined : checkServerName(name);
}

export class ServerKeys {
  readonly keyring: Keyring;
  readonly #input: Input;
  readonly #provider: CryptoProvider;

  constructor(input: Input, provider: CryptoProvider, counters: Counters, now: () => number) {
    this.#input = input;
    this.#provider = provider;
    this.keyring = new Keyring(counters, now);
  }

  /** Reads the keys for the first time, makes one if there is none, and says where they are. */
  async open(): Promise<MakeWire[]> {
    const { isNew, ...onHand } = findOrMakeKey(this.#input.text("key-file"));
    const wires = await this.#accept(onHand);
    complain(`key: ${isNew ? "made a new one, " : ""}${this.#describe(onHand)}`);
    if (wantsSkvs(this.#input)) warnOfOriginalWire();
    return wires;
  }

  /**
   * Reads the keys again.
   * @throws {UsageError} when that fails: nothing has changed then
   */
  async reread(): Promise<MakeWire[]> {
    const onHand = findOrMakeKey(this.#input.text("key-file"));
    const wires = await this.#accept(onHand);
    complain(`key: read again, ${this.#describe(onHand)}`);
    return wires;
  }

  async #accept(onHand: KeyOnHand): Promise<MakeWire[]> {
    const originals = wantsSkvs(this.#input) ? skvsKeys(this.#input.text("skvs-key-file")) : [];
    const keys = await Promise.all([
      ...onHand.keys.map((key) => this.#identify(key, false)),
      ...originals.map((key) => this.#identify(key, true)),
    ]);
    this.keyring.replace(keys);
    return await openWires(this.keyring.keys, this.#provider, nameOf(this.#input));
  }

  async #identify(key: Uint8Array, isOriginal: boolean): Promise<AcceptedKey> {
    return { key, id: await keyId(key, this.#provider), isOriginal };
  }

  #describe({ origin }: KeyOnHand): string {
    return `${origin} (${this.keyring.ids.join(", then ")})`;
  }
}

function warnOfOriginalWire(): void {
  complain(
    "warning: the original wire is on (--skvs). It has no protection against replay: anyone who " +
      "records its datagrams can change any key of this store by sending them again.",
  );
}
