/**
 * Who is told when a signal is aborted. Any number of calls may have the same signal, and runtimes look
 * through all listeners of a signal for each that they add: so each signal has one, for all calls.
 */

type Listener = () => void;

const listenersOf = new WeakMap<AbortSignal, Set<Listener>>();

/** @returns what ends it: to be called once the listener need not know any more */
export function onAbort(signal: AbortSignal, listener: Listener): () => void {
  const listeners = listenersOf.get(signal) ?? listenTo(signal);
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** For as long as the signal lives. */
function listenTo(signal: AbortSignal): Set<Listener> {
  const listeners = new Set<Listener>();
  listenersOf.set(signal, listeners);
  signal.addEventListener("abort", () => {
    for (const listener of listeners) listener();
  });
  return listeners;
}
