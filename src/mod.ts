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
  Calls,
  Client,
  Deadline,
  DeleteOptions,
  ExistsResult,
  RememberOptions,
  SetOptions,
  SetResult,
} from "./client.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export * from "./errors.ts";
export { decodeKey, encodeKey, generateKey } from "./protocol/keys.ts";
