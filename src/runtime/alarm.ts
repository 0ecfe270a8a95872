/** A client's alarm, on the runtime's timers. */

// On Deno the global setTimeout returns a number, which can't be told to let the process end.
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { Alarm } from "../protocol/wake_timer.ts";

/** The longest delay of a timer, a signed 32-bit count. A longer alarm rings early and is reset. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function makeAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let isKept = true;
  // Between a timer and an immediate, the event loop takes in what has come. An alarm that rang before
  // would find requests unanswered whose replies are there.
  const ringSoon = () => {
    immediate = setImmediate(ring);
  };
  const clear = () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
  return {
    set(delayMs) {
      clear();
      timer = setTimeout(ringSoon, Math.min(Math.ceil(delayMs), MAX_DELAY_MS));
      if (!isKept) timer.unref();
    },
    clear,
    keepAlive(isWanted) {
      isKept = isWanted;
      if (isWanted) timer?.ref();
      else timer?.unref();
    },
  };
}
