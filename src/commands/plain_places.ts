/** Where what is not encrypted listens: on this machine only, unless that is said to be all right. */

import { isLoopback, parseAddress, resolveAddress } from "../runtime/address.ts";
import type { StreamAddress } from "../runtime/runtime.ts";
import {
  type Bind,
  listenForStreams,
  LiveSocketError,
  LongPathError,
  type StreamListener,
  TakenPathError,
} from "../runtime/stream_listener.ts";
import { bindProblem } from "./bind_problem.ts";
import type { Input } from "./command.ts";
import { DEFAULT_SOCKET_MODE } from "./door_options.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";

const UNIX = "unix:";

export interface Places {
  readonly bind: Bind;
  /** Gets the listeners that were opened, also if a later one can't be. */
  readonly listeners: StreamListener[];
  /** What somebody on the network would see. */
  readonly shows: string;
  /** A sentence for those who want that, without its end. */
  readonly advice: string;
}

/**
 * Looks at all places that an option names before anything is opened for them.
 * @throws {UsageError}
 */
export async function checkPlaces(
  input: Input,
  option: string,
  defaultPort: number,
  words: Pick<Places, "shows" | "advice">,
): Promise<void> {
  socketModeOf(input);
  for (const text of input.texts(option)) await addressOf(input, option, text, defaultPort, words);
}

/**
 * Listens at all places that an option names, as HOST:PORT or unix:PATH.
 * @returns the places, for display
 * @throws {UsageError}
 */
export async function listenAtAll(
  input: Input,
  option: string,
  defaultPort: number,
  places: Places,
): Promise<string[]> {
  const names: string[] = [];
  const mode = socketModeOf(input);
  for (const text of input.texts(option)) {
    const address = await addressOf(input, option, text, defaultPort, places);
    try {
      const listener = await listenForStreams(places.bind, address, mode);
      places.listeners.push(listener);
      names.push(`${option} at ${listener.name}`);
    } catch (error) {
      throw new SystemError(`can't listen at --${option} ${text}: ${problemOf(error)}`);
    }
  }
  return names;
}

async function addressOf(
  input: Input,
  option: string,
  text: string,
  defaultPort: number,
  { shows, advice }: Pick<Places, "shows" | "advice">,
): Promise<StreamAddress> {
  if (text === UNIX) throw new UsageError(`--${option} ${text} lacks a path: unix:/run/kg.sock`);
  if (text.startsWith(UNIX)) return { path: text.slice(UNIX.length) };
  const address = await resolveAddress(parseAddress(text, defaultPort));
  if (isLoopback(address.host) || input.flag("plaintext-ok")) return address;
  throw new UsageError(
    `--${option} ${text} would let ${shows} cross the network unencrypted. ${advice}; for ` +
      `programs on this machine use --${option} 127.0.0.1:${address.port} or ` +
      `--${option} unix:/run/kg.sock. If the network is yours alone, add --plaintext-ok.`,
  );
}

function socketModeOf(input: Input): number {
  const text = input.text("socket-mode") ?? DEFAULT_SOCKET_MODE;
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(`--socket-mode ${text} is not a mode: write 0600, 0660 or 0666`);
}

function problemOf(error: unknown): string {
  if (error instanceof LiveSocketError) {
    return "another server answers at it; choose another path, or stop that one";
  }
  if (error instanceof TakenPathError) return "it is in use by something else; choose another path";
  if (error instanceof LongPathError) return "the path is too long for a socket; choose another";
  return bindProblem(error);
}
