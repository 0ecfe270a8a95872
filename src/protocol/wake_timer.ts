/** One alarm for everything that a client waits for: it rings at the earliest of the times. */

/** Rings once, some time after it was set. Setting it again replaces the time. */
export interface Alarm {
  /** @param delayMs 0 or more; an alarm may ring early, and is then asked again */
  set(delayMs: number): void;
  clear(): void;
}

export class WakeTimer {
  readonly #now: () => number;
  readonly #alarm: Alarm;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(makeAlarm: (ring: () => void) => Alarm, now: () => number, onWake: () => void) {
    this.#now = now;
    this.#alarm = makeAlarm(() => {
      this.#atMs = Number.POSITIVE_INFINITY;
      onWake();
    });
  }

  /** Sees to it that the alarm rings at a time or before. */
  wakeBy(atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.#atMs = atMs;
    this.#alarm.set(Math.max(0, atMs - this.#now()));
  }

  /** Nothing is waited for. */
  rest(): void {
    if (this.#atMs === Number.POSITIVE_INFINITY) return;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#alarm.clear();
  }
}
