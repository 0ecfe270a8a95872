/** A client's alarm, on the runtime's timers. */

// On Deno the global setTimeout returns a number, which can't be told to let the process end.
import { clearTimeout, setTimeout } from "node:timers";
import type { Alarm } from "../protocol/wake_timer.ts";

/** The longest delay of a timer, a signed 32-bit count. A longer alarm rings early and is reset. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function makeAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let isKept = true;
  const start = (callback: () => void, delayMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(callback, delayMs);
    if (!isKept) timer.unref();
  };
  // A second timer, since the event loop reads from the sockets between two: after a pause of the
  // process, requests would seem unanswered whose replies have come.
  const ringNext = () => start(ring, 0);
  return {
    set: (delayMs) => start(ringNext, Math.min(Math.ceil(delayMs), MAX_DELAY_MS)),
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
