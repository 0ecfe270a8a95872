/** Walks over the keys of several servers, one after the other. Source: docs/WIRE.md, section 4, «SCAN». */

import { copyBytes, readU16 } from "../../bytes.ts";
import type { Job } from "../../execute/executor.ts";
import type { Reply } from "../../protocol/call.ts";
import type { Destination, ServerDestination } from "../../protocol/destination.ts";
import { CURSOR_BYTES, Operation, type Request, Status } from "../../protocol/frame.ts";
import { requestOf } from "../../requests.ts";
import { ANYWHERE, Result } from "../../store/store.ts";
import { outcome } from "../fills.ts";
import { type Done, type Fill, unavailable } from "../later_executor.ts";
import { ScanPlaces } from "../scan_places.ts";

interface Place {
  /** The place of the server in the list. */
  readonly server: number;
  /** The server's own cursor; none at the beginning. */
  readonly cursor: Uint8Array;
}

const NO_CURSOR = new Uint8Array(0);
/** Most pages without keys that are not passed on. */
const MAX_EMPTY = 32;

export class ServersScan {
  readonly #destination: Destination;
  readonly #call: (server: ServerDestination, request: Request) => Promise<Reply>;
  readonly #places = new ScanPlaces<Place>();

  constructor(
    destination: Destination,
    call: (server: ServerDestination, request: Request) => Promise<Reply>,
  ) {
    this.#destination = destination;
    this.#call = call;
  }

  /** @param job its prefix is in bytes of its own */
  begin(job: Job, done: Done): void {
    const { cursor } = job.page;
    const place = cursor === 0 || cursor === ANYWHERE
      ? { server: 0, cursor: NO_CURSOR }
      : this.#places.find(cursor);
    if (place === undefined) done(outcome(Result.NO_CURSOR));
    else void this.#ask(place, job.key.bytes).then(done);
  }

  /** @param mayGoOn how often another page may be asked for, if there are no keys in this one */
  async #ask(place: Place, prefix: Uint8Array, mayGoOn = MAX_EMPTY): Promise<Fill> {
    const { stores } = this.#destination;
    const request = requestOf(Operation.SCAN, prefix, place.cursor);
    try {
      const { status, value } = await this.#call(stores[place.server], request);
      if (status === Status.NOT_FOUND) return outcome(Result.NO_CURSOR);
      const next = copyBytes(value, 0, CURSOR_BYTES);
      const isLast = next.every((byte) => byte === 0);
      const server = isLast ? place.server + 1 : place.server;
      const behind = { server, cursor: isLast ? NO_CURSOR : next };
      const isEnd = server === stores.length;
      if (value.length === CURSOR_BYTES && !isEnd && mayGoOn > 0) {
        return await this.#ask(behind, prefix, mayGoOn - 1);
      }
      const cursor = isEnd ? 0 : this.#places.add(behind, CURSOR_BYTES);
      return this.#page(copyBytes(value, CURSOR_BYTES), cursor);
    } catch (error) {
      return unavailable(error instanceof Error ? error.message : String(error));
    }
  }

  /** A page of a server is no longer than one of ours. */
  #page(keys: Uint8Array, cursor: number): Fill {
    let count = 0;
    for (let at = 0; at < keys.length; at += 2 + readU16(keys, at)) count++;
    return (job) => {
      job.page.bytes.set(keys, job.page.start);
      Object.assign(job.page, { cursor, count, length: keys.length });
      job.result = Result.DONE;
    };
  }
}
