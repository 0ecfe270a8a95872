/**
 * Version 1 of the wire: how requests are read and answered.
 * Source: docs/WIRE.md, sections 3 and 4.
 */

import { assert } from "./assert.ts";
import { readU16, readU64, writeU64 } from "./bytes.ts";
import { Action, type Job } from "./execute/executor.ts";
import {
  codeOf,
  CURSOR_BYTES,
  EXPECTED_LENGTH_BYTES,
  KEY_AT,
  keyLengthOf,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  Operation,
  ReplyToggle,
  RequestToggle,
  requestTtlOf,
  Status,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
  writeReply,
} from "./protocol/frame.ts";
import type { TrafficCiphers } from "./protocol/keys.ts";
import { faultOf } from "./protocol/operations.ts";
import type { Cipher } from "./protocol/seal.ts";
import { NonceStream } from "./protocol/nonces.ts";
import { BAD_DELTA, REFUSALS, takenBack } from "./refusals.ts";
import { encodeLines } from "./section.ts";
import type { Counters } from "./statistics.ts";
import { MAX_KEY_BYTES as MAX_STORED_KEY_BYTES } from "./store/item.ts";
import { parseNumber } from "./store/number.ts";
import { type Found, NONE, Result } from "./store/store.ts";
import type { MakeWire, Turn, Wire, WirePorts } from "./turn.ts";

/** The action of each operation on its key or prefix. PING and STATS have none. */
const ACTIONS: Readonly<Partial<Record<Operation, Action>>> = {
  [Operation.SET]: Action.SET,
  [Operation.GET]: Action.GET,
  [Operation.DELETE]: Action.DELETE,
  [Operation.EXISTS]: Action.EXISTS,
  [Operation.ADD]: Action.ADD,
  [Operation.TOUCH]: Action.TOUCH,
  [Operation.SCAN]: Action.SCAN,
  [Operation.DROP]: Action.DROP,
};

/** The operation of each action; no operation peeks. */
const OPERATIONS = Object.values(Action).map((action) =>
  Object.values(Operation).find((operation) => ACTIONS[operation] === action) ?? NONE
);

assert(MAX_KEY_BYTES <= MAX_STORED_KEY_BYTES, "every key of the wire can be stored");

const encoder = new TextEncoder();

/** Version 1 under the key of some ciphers. @param keySlot where its requests are counted */
export function version1(ciphers: TrafficCiphers, keySlot = 0): MakeWire {
  return (ports) => new Version1(ciphers, keySlot, ports);
}

class Version1 implements Wire {
  readonly keySlot: number;
  readonly requests: Cipher;
  readonly replies: Cipher;
  readonly isFenced = true;
  readonly frame: Uint8Array;
  readonly valueAt = VALUE_AT;
  readonly #ports: WirePorts;
  readonly #counters: Counters;
  readonly #stream: NonceStream;
  readonly #freshToggle: number;
  /** Where a job puts the value that it finds: in the reply. */
  readonly #found: Found;
  /** For a SET that does not ask for the value that it replaces. */
  readonly #notWanted: Found;

  constructor(ciphers: TrafficCiphers, keySlot: number, ports: WirePorts) {
    this.#ports = ports;
    this.#counters = ports.counters;
    this.keySlot = keySlot;
    this.requests = ciphers.requests;
    this.replies = ciphers.replies;
    this.frame = this.replies.frame;
    this.#stream = NonceStream.forReplies(ports.fillRandom);
    this.#freshToggle = ports.isFresh ? ReplyToggle.FRESH : 0;
    const bytes = this.frame;
    const room = MAX_VALUE_BYTES;
    this.#found = { bytes, start: VALUE_AT, room, length: NONE, expiresAtMs: 0 };
    this.#notWanted = { ...this.#found, room: NONE };
  }

  /** Replies and requests have different keys, so a reply never opens as a request. */
  isOwnReply(): boolean {
    return false;
  }

  takeNonce(reply: Uint8Array): void {
    this.#stream.take(reply);
  }

  read(request: Uint8Array, turn: Turn): boolean {
    const fault = faultOf(request, turn.epoch !== null);
    if (fault !== null) {
      this.#refuse(turn, fault);
      return false;
    }
    const operation = codeOf(request) as Operation;
    const action = ACTIONS[operation];
    if (action !== undefined) return this.#makeJob(action, request, turn);
    this.#counters.operations[operation]++;
    if (operation === Operation.PING) this.#answerPing(turn);
    else this.#tellStatistics(request, turn);
    return false;
  }

  #answerPing(turn: Turn): void {
    const outage = this.#ports.outage();
    if (outage === null) this.#conclude(turn, Status.OK);
    else this.#refuse(turn, outage);
  }

  #makeJob(action: Action, request: Uint8Array, turn: Turn): boolean {
    const { job } = turn;
    const toggles = togglesOf(request);
    job.action = action;
    job.key.bytes = job.value.bytes = request;
    job.key.start = KEY_AT;
    job.key.length = keyLengthOf(request);
    job.value.start = VALUE_AT;
    job.value.length = valueLengthOf(request);
    job.overwrite = (toggles & RequestToggle.OVERWRITE) !== 0;
    job.ifEqual = (toggles & RequestToggle.IF_EQUAL) !== 0;
    if (job.ifEqual) takeExpected(job);
    job.expiresAtMs = expiryOf(request, toggles, turn.nowMs);
    job.readsSettled = true;
    const wantsValue = !job.overwrite || (toggles & RequestToggle.OLD) !== 0;
    job.found = wantsValue ? this.#found : this.#notWanted;
    if (action === Action.SCAN) this.#makePage(job);
    return action !== Action.ADD || this.#readDelta(turn);
  }

  /** The page goes behind the next cursor. */
  #makePage({ page, value }: Job): void {
    page.cursor = value.length === 0 ? 0 : readU64(value.bytes, value.start);
    page.bytes = this.frame;
    page.start = VALUE_AT + CURSOR_BYTES;
    page.room = MAX_VALUE_BYTES - CURSOR_BYTES;
    page.mostKeys = Number.POSITIVE_INFINITY;
    page.maxKeyBytes = MAX_KEY_BYTES;
  }

  #readDelta(turn: Turn): boolean {
    const { job } = turn;
    const delta = parseNumber(job.value.bytes, job.value.start, job.value.length);
    if (delta !== null) job.delta = delta;
    else {
      this.#counters.operations[Operation.ADD]++;
      this.#refuse(turn, BAD_DELTA);
    }
    return delta !== null;
  }

  conclude(turn: Turn): void {
    const { action, result, found, problem } = turn.job;
    this.#counters.operations[OPERATIONS[action]]++;
    if (action === Action.GET || action === Action.EXISTS) this.#countLookup(result);
    if (result === Result.DONE) this.#concludeDone(turn);
    else if (result === Result.MISSING || result === Result.NO_CURSOR) {
      this.#conclude(turn, Status.NOT_FOUND);
    } else if (result === Result.FULL) this.#conclude(turn, Status.FULL);
    else if (result === Result.OVERFLOW) this.#refuse(turn, REFUSALS[result]);
    else if (result === Result.NOT_A_NUMBER) this.#refuse(turn, REFUSALS[result]);
    else if (result === Result.UNAVAILABLE) this.#refuse(turn, problem);
    else if (result === Result.UNKNOWN) this.tellDuplicate(turn);
    else if (found.length > found.room) {
      // The value is left out: TOO_LARGE would mean that the SET was done.
      this.#conclude(turn, Status.EXISTS);
    } else this.#concludeWithFound(turn, Status.EXISTS, 0);
  }

  #countLookup(result: Result): void {
    if (result === Result.DONE) this.#counters.hits++;
    else if (result === Result.MISSING) this.#counters.misses++;
  }

  #concludeDone(turn: Turn): void {
    const { action, found, ifEqual } = turn.job;
    if (action === Action.SCAN) {
      this.#concludeScan(turn);
      return;
    }
    const tellsExpiry = action === Action.GET || action === Action.ADD || action === Action.EXISTS;
    const expiresAtMs = tellsExpiry ? found.expiresAtMs : 0;
    const tellsNoValue = action === Action.EXISTS || action === Action.TOUCH ||
      action === Action.DROP || (action === Action.SET && ifEqual);
    // A SET that replaced nothing has found no value.
    if (tellsNoValue || found === this.#notWanted) this.#conclude(turn, Status.OK, expiresAtMs);
    else this.#concludeWithFound(turn, Status.OK, expiresAtMs);
  }

  #concludeScan(turn: Turn): void {
    const { page } = turn.job;
    this.#conclude(turn, Status.OK);
    writeU64(this.frame, VALUE_AT, page.cursor);
    turn.outcome.toggles = ReplyToggle.PRESENT;
    turn.outcome.length = CURSOR_BYTES + page.length;
  }

  /** Refuses a change that was not made durable. */
  refuse(turn: Turn): void {
    this.#refuse(turn, takenBack(turn.problem));
  }

  /** Refuses a mutation that its epoch does not admit. */
  refuseEpoch(turn: Turn): void {
    this.#counters.fenced++;
    this.#conclude(turn, Status.FENCED);
  }

  /** The mutation was judged before, and its reply is no longer kept. */
  tellDuplicate(turn: Turn): void {
    this.#conclude(turn, Status.DUPLICATE);
  }

  write(turn: Turn, epoch: Uint8Array): void {
    const { outcome, datagram, nowMs } = turn;
    writeReply(this.frame, outcome, this.#freshToggle, datagram, epoch, nowMs);
  }

  #tellStatistics(request: Uint8Array, turn: Turn): void {
    const name = sectionName(request);
    const section = this.#ports.sections.get(name === "" ? "server" : name);
    if (section === undefined) this.#conclude(turn, Status.NOT_FOUND);
    else {
      const text = encodeLines(section(), MAX_VALUE_BYTES);
      this.#concludeWithBytes(turn, Status.OK, ReplyToggle.PRESENT, text);
    }
  }

  #conclude({ outcome }: Turn, status: Status, expiresAtMs = 0): void {
    outcome.status = status;
    outcome.toggles = 0;
    outcome.length = 0;
    outcome.expiresAtMs = expiresAtMs;
  }

  /** Concludes with the value that the job found, if there was one and it fits. */
  #concludeWithFound(turn: Turn, status: Status, expiresAtMs: number): void {
    const { length, room } = turn.job.found;
    if (length > room) {
      this.#conclude(turn, Status.TOO_LARGE);
      return;
    }
    this.#conclude(turn, status, expiresAtMs);
    if (length === NONE) return;
    turn.outcome.toggles = ReplyToggle.PRESENT;
    turn.outcome.length = length;
  }

  #refuse(turn: Turn, message: string): void {
    this.#counters.errors++;
    this.#concludeWithBytes(turn, Status.ERROR, 0, encoder.encode(message));
  }

  #concludeWithBytes(turn: Turn, status: Status, toggles: number, bytes: Uint8Array): void {
    const length = Math.min(bytes.length, MAX_VALUE_BYTES);
    this.#conclude(turn, status);
    turn.outcome.toggles = toggles;
    turn.outcome.length = length;
    this.frame.set(bytes.subarray(0, length), VALUE_AT);
  }
}

/** The value of a request with IF_EQUAL: the length of the expected one, that one, a new one. */
function takeExpected({ value, expected }: Job): void {
  expected.bytes = value.bytes;
  expected.start = value.start + EXPECTED_LENGTH_BYTES;
  expected.length = readU16(value.bytes, value.start);
  value.start = expected.start + expected.length;
  value.length -= EXPECTED_LENGTH_BYTES + expected.length;
}

/** When a key that this request writes expires; 0 for never. */
function expiryOf(request: Uint8Array, toggles: number, nowMs: number): number {
  if ((toggles & RequestToggle.TTL) === 0) return 0;
  return Math.min(nowMs + requestTtlOf(request), Number.MAX_SAFE_INTEGER);
}

/** One character per byte: section names are ASCII, and nothing else matches one. */
function sectionName(request: Uint8Array): string {
  return String.fromCharCode(...request.subarray(KEY_AT, KEY_AT + keyLengthOf(request)));
}
