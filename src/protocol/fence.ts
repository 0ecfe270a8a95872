/**
 * The fence decides which mutations a server carries out. It holds the epoch, the streams of the
 * current and of the previous generation with their replay windows, and the kept replies.
 * Source: docs/WIRE.md, section 5, «The server».
 *
 * A mutation is marked before anything else looks at it, and a stream is entered in the table
 * of the generation that its mutation was sealed for, or not at all.
 */

import { Epoch } from "./epoch.ts";
import { KeptReplies } from "./kept_replies.ts";
import { ReplayWindow, Sighting } from "./replay_window.ts";
import { type FillRandom, sequenceOf, STREAM_ID_BYTES } from "./nonces.ts";

/** Maximum number of mutation streams in one generation. */
const MAX_STREAMS = 65_536;
/** A generation that has lasted this long ends with the next mutation. */
const GENERATION_MS = 60_000;

/** What to do with a mutation. */
export const Verdict = {
  /** It is new and is now marked: carry it out and keep its reply. */
  CARRY_OUT: 0,
  /** It was carried out: send its kept reply, or DUPLICATE. */
  REPEAT: 1,
  /** It was not carried out and never will be: reply FENCED. */
  FENCE: 2,
  /** Too old to judge: do not reply. */
  IGNORE: 3,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Limits smaller than the wire's are for tests. */
export interface FenceLimits {
  /** Maximum number of mutation streams in one generation. */
  readonly maxStreams: number;
  /** A generation that has lasted this long ends with the next mutation. */
  readonly generationMs: number;
  /** Bytes of the ring of kept replies; 8 MiB by default. */
  readonly keptBytes?: number;
}

type StreamTable = Map<bigint, ReplayWindow>;

export class Fence {
  readonly kept: KeptReplies;
  readonly #limits: FenceLimits;
  #epoch: Epoch;
  #previousEpoch: Epoch | null = null;
  #streams: StreamTable = new Map();
  #previousStreams: StreamTable = new Map();
  #turnedAt: number;
  readonly #id = new BigUint64Array(1);
  readonly #idBytes = new Uint8Array(this.#id.buffer);

  constructor(
    fillRandom: FillRandom,
    nowMs: number,
    limits: FenceLimits = { maxStreams: MAX_STREAMS, generationMs: GENERATION_MS },
  ) {
    this.#epoch = Epoch.first(fillRandom);
    this.#turnedAt = nowMs;
    this.#limits = limits;
    this.kept = new KeptReplies(limits.keptBytes);
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  /** The epoch before the last turn; late mutations of that epoch still get FENCED. */
  get previousEpoch(): Epoch | null {
    return this.#previousEpoch;
  }

  /** Streams in the current table. */
  get streams(): number {
    return this.#streams.size;
  }

  /**
   * Judges the mutation whose nonce begins `datagram` and which authenticated under `epoch`, an
   * epoch of this fence; marks the mutation if it is to be carried out.
   */
  admit(datagram: Uint8Array, epoch: Epoch, nowMs: number): Verdict {
    const id = this.#readId(datagram);
    const sequence = sequenceOf(datagram);
    if (epoch === this.#epoch) {
      const window = this.#windowFor(id, nowMs);
      if (window !== null) return verdictOnCurrent(window.mark(sequence));
    }
    if (epoch === this.#previousEpoch) return this.#judgePrevious(id, sequence);
    return Verdict.IGNORE;
  }

  /** The stream's window in the current table, or null when the generation had to turn. */
  #windowFor(id: bigint, nowMs: number): ReplayWindow | null {
    if (nowMs - this.#turnedAt >= this.#limits.generationMs) return this.#turn(nowMs);
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    if (this.#streams.size >= this.#limits.maxStreams) return this.#turn(nowMs);
    const window = new ReplayWindow();
    this.#streams.set(id, window);
    return window;
  }

  #turn(nowMs: number): null {
    this.#previousEpoch = this.#epoch;
    this.#epoch = this.#epoch.next();
    this.#previousStreams = this.#streams;
    this.#streams = new Map();
    this.#turnedAt = nowMs;
    return null;
  }

  #judgePrevious(id: bigint, sequence: number): Verdict {
    const sighting = this.#previousStreams.get(id)?.look(sequence) ?? Sighting.NEW;
    if (sighting === Sighting.MARKED) return Verdict.REPEAT;
    return sighting === Sighting.NEW ? Verdict.FENCE : Verdict.IGNORE;
  }

  #readId(datagram: Uint8Array): bigint {
    for (let i = 0; i < STREAM_ID_BYTES; i++) this.#idBytes[i] = datagram[i];
    return this.#id[0];
  }
}

function verdictOnCurrent(sighting: Sighting): Verdict {
  if (sighting === Sighting.NEW) return Verdict.CARRY_OUT;
  return sighting === Sighting.MARKED ? Verdict.REPEAT : Verdict.IGNORE;
}
