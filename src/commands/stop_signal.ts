/** The signals that stop a server. */

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** A signal that comes so long after the first one is from somebody who does not want to wait. */
const IMPATIENT_MS = 1_000;

/**
 * Aborted when a signal stops the server, with the signal's name as the reason. The same signal often
 * comes twice, from whoever stops the process and its group; one that comes later ends it at once.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  for (const name of STOP_SIGNALS) {
    const stop = () => {
      firstAtMs ||= performance.now();
      controller.abort(name);
      if (performance.now() - firstAtMs < IMPATIENT_MS) return;
      process.off(name, stop);
      process.kill(process.pid, name);
    };
    process.on(name, stop);
  }
  return controller.signal;
}

export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}
