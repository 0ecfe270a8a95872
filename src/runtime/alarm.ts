/** The alarm of a client by the runtime's timers. It keeps the process alive while it is set. */

import type { Alarm } from "../protocol/wake_timer.ts";

/** The longest delay that a timer takes: a signed 32-bit count. It rings early, and is set again. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function makeAlarm(ring: () => void): Alarm {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    set(delayMs) {
      clearTimeout(timer);
      timer = setTimeout(ring, Math.min(Math.ceil(delayMs), MAX_DELAY_MS));
    },
    clear() {
      clearTimeout(timer);
    },
  };
}
