/**
 * Whether a server is down: it has answered nothing for some round trips and at least 250 ms, or 1 s if it
 * has never answered, and PINGs were among what it left unanswered. One reply brings it back. No I/O: clock and alarm are passed in.
 * Source: docs/FLEET.md, «When a server is down».
 */

import type { Time } from "../protocol/destination.ts";
import type { Alarm } from "../protocol/wake_timer.ts";

/** How often a silent server is looked at. */
const LOOK_MS = 25;
/** After this long without a reply each look sends a PING: a reply may have to wait, but not a PING's. */
const ASK_AFTER_MS = 75;
const DOWN_AFTER_MS = 250;
/** Before the first reply nothing is known of how far away the server is. */
const DOWN_AT_FIRST_AFTER_MS = 1_000;
/** At least so many times as long as a reply may well take. */
const DOWN_AFTER_PATIENCE = 4;
/** Even where a third of all datagrams is lost each way, 6 PINGs and the requests are not, one time in 1,000. */
const MIN_UNANSWERED = 6;
/** The waits between PINGs to a server that is down double up to a second. */
const FIRST_PROBE_MS = 50;
const LAST_PROBE_MS = 1_000;

/** What is watched: the exchange with a server. */
export interface Pulse {
  /** In ms; Infinity if there is nothing to wait for. */
  readonly silentSinceMs: number;
  /** How long a reply may well take, in ms. */
  readonly patienceMs: number;
  /** Whether there has been any reply. */
  readonly hasAnswered: boolean;
  /** Sends one PING. */
  probe(): void;
}

export interface LivenessEvents {
  readonly onDown: () => void;
  readonly onUp: () => void;
  /** Called before each PING to a server that is down. */
  readonly onProbe: () => void;
}

export class Liveness {
  readonly #pulse: Pulse;
  readonly #now: () => number;
  readonly #events: LivenessEvents;
  readonly #alarm: Alarm;
  #isLooking = false;
  #unanswered = 0;
  /** Since when it has answered nothing; NaN while it is up. */
  #downSinceMs = Number.NaN;
  #probeMs = FIRST_PROBE_MS;

  constructor(pulse: Pulse, { now, makeAlarm }: Time, events: LivenessEvents) {
    this.#pulse = pulse;
    this.#now = now;
    this.#events = events;
    this.#alarm = makeAlarm(() => this.isDown ? this.#probe() : this.#look());
    this.#alarm.keepAlive(false);
  }

  get isDown(): boolean {
    return !Number.isNaN(this.#downSinceMs);
  }

  /** How long it has answered nothing. */
  get silentMs(): number {
    return this.#now() - this.#downSinceMs;
  }

  /** A call begins: from now on it is looked whether replies come. */
  watch(): void {
    if (this.#isLooking || this.isDown) return;
    this.#isLooking = true;
    this.#unanswered = 0;
    this.#alarm.set(LOOK_MS);
  }

  noteReply(): void {
    if (!this.isDown) return;
    this.#downSinceMs = Number.NaN;
    this.#alarm.clear();
    this.#events.onUp();
  }

  /** It has not been reached yet: it counts as down. */
  beginDown(): void {
    this.#goDown(this.#now());
  }

  stop(): void {
    this.#alarm.clear();
  }

  #look(): void {
    const { silentSinceMs } = this.#pulse;
    if (silentSinceMs === Number.POSITIVE_INFINITY) {
      this.#isLooking = false;
      return;
    }
    const silentMs = this.#now() - silentSinceMs;
    // A pause of this process looks like silence too, but PINGs after it are answered.
    if (silentMs < ASK_AFTER_MS) this.#unanswered = 0;
    if (silentMs >= this.#downAfterMs && this.#unanswered >= MIN_UNANSWERED) {
      this.#goDown(silentSinceMs);
      return;
    }
    if (silentMs >= ASK_AFTER_MS) {
      this.#unanswered++;
      this.#pulse.probe();
    }
    this.#alarm.set(LOOK_MS);
  }

  get #downAfterMs(): number {
    const { hasAnswered, patienceMs } = this.#pulse;
    const leastMs = hasAnswered ? DOWN_AFTER_MS : DOWN_AT_FIRST_AFTER_MS;
    return Math.max(leastMs, DOWN_AFTER_PATIENCE * patienceMs);
  }

  #goDown(sinceMs: number): void {
    this.#isLooking = false;
    this.#downSinceMs = sinceMs;
    this.#probeMs = FIRST_PROBE_MS;
    this.#events.onDown();
    this.#alarm.set(this.#probeMs);
  }

  #probe(): void {
    this.#probeMs = Math.min(2 * this.#probeMs, LAST_PROBE_MS);
    this.#alarm.set(this.#probeMs);
    this.#events.onProbe();
    this.#pulse.probe();
  }
}
