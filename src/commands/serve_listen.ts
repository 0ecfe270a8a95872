/** Where a server listens for datagrams. */

import type { Receive } from "../protocol/socket.ts";
import {
  type Address,
  DEFAULT_SERVER,
  formatAddress,
  parseAddress,
  resolveAddress,
} from "../runtime/address.ts";
import { kernelDrops } from "../runtime/kernel_drops.ts";
import type { Listener, Runtime } from "../runtime/runtime.ts";
import type { Line } from "../section.ts";
import { bindProblem } from "./bind_problem.ts";
import type { Input, Options } from "./command.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

export const LISTEN_OPTION = {
  listen: {
    type: "string",
    multiple: true,
    value: "HOST:PORT",
    help: `where to listen; repeat it for more (default: ${DEFAULT_SERVER})`,
  },
} as const satisfies Options;

/** @throws UsageError */
export function listenAddressesOf(input: Input): Address[] {
  const texts = input.texts("listen");
  return (texts.length > 0 ? texts : [DEFAULT_SERVER]).map((text) => {
    try {
      return parseAddress(text);
    } catch (error) {
      throw new UsageError(`--listen: ${(error as Error).message}`);
    }
  });
}

/**
 * Listens on every address, or throws.
 * @param listeners, toClose get each listener once it is open
 */
export async function listenAll(
  wanted: readonly Address[],
  runtime: Runtime,
  receive: Receive,
  listeners: Listener[],
  toClose: { close(): void | Promise<void> }[],
): Promise<void> {
  for (const each of wanted) {
    const address = await resolveAddress(each);
    try {
      const listener = await runtime.listen(address, receive);
      listeners.push(listener);
      toClose.push(listener);
    } catch (error) {
      throw new SystemError(`can't listen on ${formatAddress(each)}: ${bindProblem(error)}`);
    }
  }
}

/** What the system counts at them, for STATS. */
export function systemLines(listeners: readonly Listener[]): Line[] {
  const lines: Line[] = [];
  const drops = kernelDrops(listeners.map(({ address }) => address));
  if (drops !== null) lines.push(["dropped_by_kernel", drops]);
  const buffers = listeners.flatMap(({ receiveBufferBytes }) => receiveBufferBytes ?? []);
  if (buffers.length > 0) lines.push(["receive_buffer_bytes", Math.min(...buffers)]);
  return lines;
}
