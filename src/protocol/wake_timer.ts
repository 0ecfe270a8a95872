/** One alarm for everything that a client waits for: it rings at the earliest time. */

/** Rings once, after a delay. Setting it again replaces the delay. */
export interface Alarm {
  /** @param delayMs 0 or more; an alarm may ring early, and is then set again */
  set(delayMs: number): void;
  clear(): void;
  /** Whether the alarm keeps the process alive; by default it does. */
  keepAlive(isWanted: boolean): void;
}

/**
 * While the client waits for nothing, the alarm stays set: letting it ring in vain now and then
 * costs less than clearing and setting it for every call.
 */
export class WakeTimer {
  readonly #now: () => number;
  readonly #alarm: Alarm;
  #atMs = Number.POSITIVE_INFINITY;
  #isResting = false;

  constructor(makeAlarm: (ring: () => void) => Alarm, now: () => number, onWake: () => void) {
    this.#now = now;
    this.#alarm = makeAlarm(() => {
      this.#atMs = Number.POSITIVE_INFINITY;
      onWake();
    });
  }

  /** Makes sure that the alarm rings at a given time or earlier. */
  wakeBy(atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) return;
    if (this.#isResting) this.#rest(false);
    if (atMs >= this.#atMs) return;
    this.#atMs = atMs;
    this.#alarm.set(Math.max(0, atMs - this.#now()));
  }

  /** The client waits for nothing now: the alarm no longer keeps the process alive. */
  rest(): void {
    if (!this.#isResting) this.#rest(true);
  }

  /** Clears the alarm for good. */
  stop(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#alarm.clear();
  }

  #rest(isResting: boolean): void {
    this.#isResting = isResting;
    this.#alarm.keepAlive(!isResting);
  }
}
