/** One alarm for everything that a client waits for: it rings at the earliest of the times. */

/** Rings once, some time after it was set. Setting it again replaces the time. */
export interface Alarm {
  /** @param delayMs 0 or more; an alarm may ring early, and is then asked again */
  set(delayMs: number): void;
  clear(): void;
  /** Whether the process stays alive for it; it does unless told otherwise. */
  keepAlive(isWanted: boolean): void;
}

/**
 * While nothing is waited for, the alarm stays as it is: to let it ring for nothing now and then
 * costs less than to clear and set it for every call.
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

  /** Sees to it that the alarm rings at a time or before. */
  wakeBy(atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) return;
    if (this.#isResting) this.#rest(false);
    if (atMs >= this.#atMs) return;
    this.#atMs = atMs;
    this.#alarm.set(Math.max(0, atMs - this.#now()));
  }

  /** Nothing is waited for. */
  rest(): void {
    if (!this.#isResting) this.#rest(true);
  }

  /** Nothing ever will be. */
  stop(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#alarm.clear();
  }

  #rest(isResting: boolean): void {
    this.#isResting = isResting;
    this.#alarm.keepAlive(!isResting);
  }
}
