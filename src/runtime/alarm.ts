/** A client's alarm, on the runtime's timers. */

// On Deno the global setTimeout returns a number, which can't be told to let the process end.
import { clearTimeout, setTimeout } from "node:timers";
import type { Alarm } from "../protocol/wake_timer.ts";

/** The longest delay of a timer, a signed 32-bit count. A longer alarm rings early and is reset. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function makeAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let isKept = true;
  return {
    set(delayMs) {
      clearTimeout(timer);
      timer = setTimeout(ring, Math.min(Math.ceil(delayMs), MAX_DELAY_MS));
      if (!isKept) timer.unref();
    },
    clear() {
      clearTimeout(timer);
    },
    keepAlive(isWanted) {
      isKept = isWanted;
      if (isWanted) timer?.ref();
      else timer?.unref();
    },
  };
}
