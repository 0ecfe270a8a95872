/**
 * What `kg serve` tells the service manager that started it, if that wants to know: when it is ready, reads its
 * files again or stops, and that it is alive.
 * Source: sd_notify(3), sd_watchdog_enabled(3), EXTEND_TIMEOUT_USEC in systemd.service(5).
 */

import { NotifySocket } from "../runtime/notify_socket.ts";
import { monotonicOffsetMs } from "../runtime/readers/monotonic.ts";
import { log } from "./log.ts";
import { escapeControls } from "./output.ts";

/** While a folder is loaded, the manager is asked again and again for so much time more. */
const LOAD_MORE_MS = 60_000;
const ASK_INTERVAL_MS = 10_000;
/** It says that it is alive once a day, at least: longer than 24 days would be too much for a timer. */
const MAX_ALIVE_MS = 86_400_000;

export class ServiceManager {
  readonly #socket: NotifySocket;
  readonly #env: NodeJS.ProcessEnv;
  /** Asks for time until the server is ready; then says that it is alive, if that is wanted. */
  #timer: NodeJS.Timeout | undefined;
  #status = "";

  private constructor(socket: NotifySocket, env: NodeJS.ProcessEnv) {
    this.#socket = socket;
    this.#env = env;
  }

  /** Null if no manager wants to know, or it can't be told; the latter is said. */
  static find(env = process.env): ServiceManager | null {
    const place = env.NOTIFY_SOCKET;
    if (!place) return null;
    const socket = NotifySocket.open(place);
    if (socket?.send("STATUS=starting")) return new ServiceManager(socket, env);
    log.warning(
      "service_manager",
      `the service manager at NOTIFY_SOCKET (${place}) can't be told when this server is ready` +
        (socket === null ? ": it takes a Unix socket, and kg on Bun on Linux" : ""),
    );
    return null;
  }

  /** Loading takes as long as it takes. */
  loading(folder: string): void {
    const ask = () =>
      void this.#socket.send(
        `EXTEND_TIMEOUT_USEC=${LOAD_MORE_MS * 1_000}`,
        statusLine(`loading ${folder}`),
      );
    ask();
    this.#every(ASK_INTERVAL_MS, ask);
  }

  /** @param status a line for people */
  ready(status: string): void {
    this.#status = status;
    this.#every(this.#aliveIntervalMs(), () => void this.#socket.send("WATCHDOG=1"));
    this.readyAgain();
  }

  reloading(): void {
    const monotonicUs = Math.round((performance.now() + monotonicOffsetMs()) * 1_000);
    this.#socket.send("RELOADING=1", `MONOTONIC_USEC=${monotonicUs}`, "STATUS=reading files again");
  }

  readyAgain(): void {
    this.#socket.send("READY=1", statusLine(this.#status));
  }

  stopping(): void {
    this.#socket.send("STOPPING=1", "STATUS=stopping");
  }

  #every(intervalMs: number, say: () => void): void {
    clearInterval(this.#timer);
    if (intervalMs > 0) this.#timer = setInterval(say, intervalMs).unref();
  }

  /** Half the time after which the manager takes the server for dead; 0 if it does not look. */
  #aliveIntervalMs(): number {
    const { WATCHDOG_USEC, WATCHDOG_PID = String(process.pid) } = this.#env;
    const limitMs = Number(WATCHDOG_USEC) / 1_000;
    const isWanted = WATCHDOG_PID === String(process.pid) && limitMs > 0;
    return isWanted ? Math.min(MAX_ALIVE_MS, Math.max(1, Math.floor(limitMs / 2))) : 0;
  }
}

/** In one line: the end of a line, as a folder's name may have it, would begin another message. */
const statusLine = (status: string) => `STATUS=${escapeControls(status)}`;
