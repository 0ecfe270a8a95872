/**
 * Kilogram: an encrypted in-memory key–value store, one datagram per operation.
 *
 * ```ts
 * const kv = await connect("127.0.0.1:4040", { key });
 * await kv.set("greeting", "hello", { timeout: 50 });
 * console.log(await kv.getText("greeting", { timeout: 50 }));
 * ```
 */

export type { Key, TimeToLive, Value } from "./arguments.ts";
export type {
  Abortable,
  AddResult,
  Deadline,
  DeleteOptions,
  ExistsResult,
  ItemResult,
  RememberOptions,
  SetOptions,
  SetResult,
  StoreOptions,
} from "./call_options.ts";
export type { Calls, Client } from "./client.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export * from "./errors.ts";
export type { ServerState } from "./protocol/destination.ts";
export { decodeKey, encodeKey, generateKey } from "./protocol/keys.ts";
