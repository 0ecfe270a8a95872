/**
 * Walks over the keys of an engine, one primary after the other. Source: the reference of Redis 7.0, SCAN: a
 * page has any number of keys, so what does not fit ours waits for the next.
 */

import { Buffer } from "node:buffer";
import { writeU16 } from "../../bytes.ts";
import type { Job } from "../../execute/executor.ts";
import { ANYWHERE, Result } from "../../store/store.ts";
import { outcome } from "../fills.ts";
import { type Done, type Fill, unavailable } from "../later_executor.ts";
import { ScanPlaces } from "../scan_places.ts";
import { encode } from "./commands.ts";
import type { Engine } from "./engine.ts";
import type { EngineNode } from "./node.ts";
import { EngineError, type Reply } from "./replies.ts";

/** Keys that the engine looks at for a page. */
const LOOKS = 1_000;
const LENGTH_BYTES = 2;
/** Of the engine's own cursors the first and the last. */
const START = "0";

interface Place {
  /** As the walk found them when it began. */
  readonly primaries: readonly EngineNode[];
  /** The address of the primary that the walk is at. */
  readonly node: string;
  /** The engine's cursor there; null if only the keys here are left of it. */
  readonly cursor: string | null;
  /** Keys that are still to be told. */
  readonly left: readonly Uint8Array[];
}

/** A page on its way. */
interface Walk {
  readonly place: Place;
  readonly prefix: Uint8Array;
  /** How often another page may be asked for, if there are no keys in this one. */
  readonly mayGoOn: number;
}

/** Most pages without keys that are not passed on. */
const MAX_EMPTY = 32;

/** What a pattern of the engine takes for more than itself. */
const SPECIAL = new Set([..."*?[]\\"].map((char) => char.charCodeAt(0)));

/** A pattern that matches all keys with a prefix. */
function patternOf(prefix: Uint8Array): Uint8Array {
  const bytes = [...prefix].flatMap((byte) => SPECIAL.has(byte) ? [0x5c, byte] : [byte]);
  return Uint8Array.from([...bytes, 0x2a]);
}

const KEY_BYTES = 64;

/** The memory that keys take. */
function bytesOf(keys: readonly Uint8Array[]): number {
  return keys.reduce((sum, { length }) => sum + KEY_BYTES + length, 0);
}

/** Asks a node for a page of its keys that begin with a prefix. */
export function scanCommand(cursor: string, prefix: Uint8Array): Buffer {
  const pattern = patternOf(prefix);
  const word = { span: { bytes: pattern, start: 0, length: pattern.length } };
  return encode(["SCAN", cursor, "MATCH", word, "COUNT", String(LOOKS), "TYPE", "string"]);
}

interface Page {
  readonly next: string;
  readonly keys: readonly Uint8Array[];
}

/** What an engine tells for SCAN; the keys are copies. @throws for another reply */
export function pageOf(reply: Reply): Page {
  if (reply instanceof EngineError) throw new Error(`the engine refuses: ${reply.text}`);
  const [next, keys] = Array.isArray(reply) ? reply : [];
  const isPage = next instanceof Uint8Array && Array.isArray(keys) &&
    keys.every((key) => key instanceof Uint8Array);
  if (!isPage) throw new Error("the engine's reply to a SCAN is none");
  return { next: Buffer.from(next).toString(), keys: keys.map((key) => Uint8Array.from(key)) };
}

export class EngineScan {
  readonly #engine: Engine;
  readonly #places = new ScanPlaces<Place>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  begin(job: Job, done: Done): void {
    const { cursor } = job.page;
    const place = cursor === 0 || cursor === ANYWHERE
      ? this.#first(cursor)
      : this.#places.find(cursor);
    if (place === undefined) {
      done(cursor > 0 ? outcome(Result.NO_CURSOR) : unavailable(this.#engine.outage ?? "no node"));
      return;
    }
    const { bytes, start, length } = job.key;
    const prefix = Uint8Array.from(bytes.subarray(start, start + length));
    if (place.left.length > 0 || place.cursor === null) done(this.#tell(job, place));
    else this.#ask(job, { place, prefix, mayGoOn: MAX_EMPTY }, done);
  }

  #first(cursor: number): Place | undefined {
    const { primaries } = this.#engine;
    const place = cursor === ANYWHERE ? Math.floor(Math.random() * primaries.length) : 0;
    const node = primaries[place];
    return node && { primaries, node: node.address, cursor: START, left: [] };
  }

  #ask(job: Job, walk: Walk, done: Done): void {
    const { place, prefix } = walk;
    const node = place.primaries.find(({ address }) => address === place.node);
    if (node === undefined || place.primaries !== this.#engine.primaries) {
      // The nodes have changed: the walk is lost.
      done(outcome(Result.NO_CURSOR));
      return;
    }
    const command = scanCommand(place.cursor ?? START, prefix);
    this.#engine.sendTo(node, command, true, {
      onReply: (reply) => this.#take(reply, job, walk, done),
      onFailure: (problem) => done(unavailable(problem)),
    });
  }

  #take(reply: Reply, job: Job, walk: Walk, done: Done): void {
    let page: Page;
    try {
      page = pageOf(reply);
    } catch (error) {
      done(unavailable((error as Error).message));
      return;
    }
    const { node, primaries } = walk.place;
    const left = page.keys.filter(({ length }) => length <= job.page.maxKeyBytes);
    const place = { primaries, node, cursor: page.next === START ? null : page.next, left };
    const behind = left.length === 0 && walk.mayGoOn > 0 ? this.#behind(place) : null;
    if (behind === null) done(this.#tell(job, place));
    else this.#ask(job, { ...walk, place: behind, mayGoOn: walk.mayGoOn - 1 }, done);
  }

  /** A page of what is left at a place, and the cursor of the next place. */
  #tell({ page }: Job, place: Place): Fill {
    let length = 0;
    let count = 0;
    for (const key of place.left) {
      if (length + LENGTH_BYTES + key.length > page.room || count >= page.mostKeys) break;
      length += LENGTH_BYTES + key.length;
      count++;
    }
    const told = place.left.slice(0, count);
    const next = this.#behind({ ...place, left: place.left.slice(count) });
    const cursor = next === null ? 0 : this.#places.add(next, bytesOf(next.left));
    return (job) => {
      let at = job.page.start;
      for (const key of told) {
        writeU16(job.page.bytes, at, key.length);
        job.page.bytes.set(key, at + LENGTH_BYTES);
        at += LENGTH_BYTES + key.length;
      }
      Object.assign(job.page, { cursor, count, length });
      job.result = Result.DONE;
    };
  }

  /** Where the walk goes on; null at the end. */
  #behind(place: Place): Place | null {
    if (place.left.length > 0 || place.cursor !== null) return place;
    const { primaries } = place;
    const at = primaries.findIndex(({ address }) => address === place.node);
    const next: EngineNode | undefined = primaries[at + 1];
    return next === undefined ? null : { primaries, node: next.address, cursor: START, left: [] };
  }
}
