/**
 * Kilogram: an encrypted in-memory key–value store, one datagram per operation.
 *
 * ```ts
 * import { connect } from "kilogram";
 *
 * using kv = (await connect("127.0.0.1:4040", { key })).within(500);
 * await kv.set("greeting", "hello", { ttl: 60_000, overwrite: true });
 * console.log(await kv.getText("greeting")); // hello
 * ```
 * @module
 */

export type { CryptoChoice, Key, TimeToLive, Value } from "./arguments.ts";
export type {
  Abortable,
  AddResult,
  CallOptions,
  Deadline,
  DeleteOptions,
  ExistsResult,
  ItemResult,
  NoDeadline,
  Options,
  RememberOptions,
  SetOptions,
  SetResult,
  StatsOptions,
  StoreOptions,
} from "./call_options.ts";
export type { Calls, Client } from "./client.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export * from "./errors.ts";
export {
  type LargeCallOptions,
  type LargeOptions,
  type LargeSetOptions,
  type LargeValues,
  largeValues,
  PiecesError,
} from "./large/large.ts";
export type { ServerState } from "./protocol/destination.ts";
export { decodeKey, encodeKey, generateKey } from "./protocol/keys.ts";
export type { OnDown, Spread } from "./server_url.ts";
