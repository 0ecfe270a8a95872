/** A server's keys: where they come from, and how they are read again while it runs. */

import { equalBytes } from "../bytes.ts";
import { type AcceptedKey, Keyring, type SlottedKey } from "../keyring.ts";
import type { CryptoProvider } from "../protocol/crypto_provider.ts";
import { KEY_BYTES, keyId } from "../protocol/keys.ts";
import { checkServerName } from "../protocol/server_name.ts";
import type { Counters } from "../statistics.ts";
import type { MakeWire } from "../turn.ts";
import { openWires } from "../wires.ts";
import type { Input, Options } from "./command.ts";
import { findOrMakeKey, type KeyOnHand, rereadKey } from "./key_source.ts";
import { log } from "./log.ts";
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
export function serverNameOf(input: Input): string | undefined {
  const name = input.text("name");
  return name === undefined ? undefined : checkServerName(name);
}

/** @throws {UsageError} if the original wire is wanted, and has no key */
export function checkSkvs(input: Input): void {
  if (wantsSkvs(input)) skvsKeys(input.text("skvs-key-file"));
}

/** Keys in their slots, and a wire for each. */
export interface OpenedKeys {
  readonly keys: ReturnType<Keyring["plan"]>;
  readonly wires: readonly MakeWire[];
}

export class ServerKeys {
  readonly keyring: Keyring;
  readonly #input: Input;
  readonly #provider: CryptoProvider;
  /** The wires of the accepted keys by slot: a key that stays keeps its wire. */
  readonly #wires = new Map<number, MakeWire>();

  constructor(input: Input, provider: CryptoProvider, counters: Counters, now: () => number) {
    this.#input = input;
    this.#provider = provider;
    this.keyring = new Keyring(counters, now);
  }

  /** Reads the keys for the first time, makes one if there is none, and says where they are. */
  async open(): Promise<OpenedKeys> {
    const { isNew, ...onHand } = findOrMakeKey(this.#input.text("key-file"));
    const opened = await this.#open(onHand);
    this.accept(opened);
    log.info("key", `key: ${isNew ? "made a new one, " : ""}${this.#describe(onHand)}`);
    if (wantsSkvs(this.#input)) warnOfOriginalWire();
    return opened;
  }

  /**
   * Reads the keys again, and uses them.
   * @throws {UsageError} when that fails: nothing has changed then
   */
  async reread(use: (opened: OpenedKeys) => void): Promise<void> {
    const onHand = rereadKey(this.#input.text("key-file"));
    const opened = await this.#open(onHand);
    use(opened);
    this.accept(opened);
    log.info("key", `key: read again, ${this.#describe(onHand)}`);
  }

  accept({ keys, wires }: OpenedKeys): void {
    this.keyring.replace(keys);
    this.#wires.clear();
    for (const [i, { slot }] of keys.entries()) this.#wires.set(slot, wires[i]);
  }

  async #open(onHand: KeyOnHand): Promise<OpenedKeys> {
    const originals = wantsSkvs(this.#input) ? skvsKeys(this.#input.text("skvs-key-file")) : [];
    const keys = this.keyring.plan(
      await Promise.all([
        ...onHand.keys.map((key) => this.#identify(key, false)),
        ...originals.map((key) => this.#identify(key, true)),
      ]),
    );
    const fresh = await openWires(keys, this.#provider, serverNameOf(this.#input));
    const wires = keys.map((key, i) => this.#wireThatStays(key) ?? fresh[i]);
    return { keys, wires };
  }

  #wireThatStays({ slot, key }: SlottedKey): MakeWire | undefined {
    const stays = this.keyring.keys.some((each) =>
      each.slot === slot && equalBytes(each.key, 0, key, 0, KEY_BYTES)
    );
    return stays ? this.#wires.get(slot) : undefined;
  }

  async #identify(key: Uint8Array, isOriginal: boolean): Promise<AcceptedKey> {
    return { key, id: await keyId(key, this.#provider), isOriginal };
  }

  #describe({ origin }: KeyOnHand): string {
    return `${origin} (${this.keyring.ids.join(", then ")})`;
  }
}

function warnOfOriginalWire(): void {
  log.warning(
    "skvs",
    "the original wire is on (--skvs). It has no protection against replay: anyone who " +
      "records its datagrams can change any key of this store by sending them again.",
  );
}
