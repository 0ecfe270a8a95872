import { makeClock } from "../runtime/clock.ts";
import { BACKEND_OPTIONS, backendOf } from "./backend_options.ts";
import { CRYPTO_OPTION, cryptoChoice, KEY_FILE_OPTION } from "./client_options.ts";
import { type Command, Exit } from "./command.ts";
import { JOURNAL_OPTIONS } from "./data_folder.ts";
import { DOOR_OPTIONS } from "./door_options.ts";
import { HangUp } from "./hang_up.ts";
import { HTTP_OPTIONS } from "./http_options.ts";
import { beginLog, log, LOG_OPTIONS } from "./log.ts";
import { pollOf, READER_OPTIONS, readersOf } from "./reader_options.ts";
import { openElsewhere, openExecutor } from "./serve_executor.ts";
import { NAME_OPTION } from "./serve_keys.ts";
import { LISTEN_OPTION, listenAddressesOf } from "./serve_listen.ts";
import { checkOptions, type Closable, start } from "./serve_start.ts";
import { STORE_OPTIONS } from "./serve_store.ts";
import type { ServiceManager } from "./service_manager.ts";
import { SKVS_OPTIONS } from "./skvs.ts";
import { stopped, stopSignal } from "./stop_signal.ts";

export const command: Command = {
  summary: "run a server",
  parameters: "",
  arity: [0, 0],
  details:
    "If there is no key, it makes one, readable only by you. The commands that you run on this\n" +
    "machine find that key by themselves. For other machines, copy its file to them.\n" +
    "SIGINT or SIGTERM stops it; what was stored is then lost, unless it has a --data-dir.\n" +
    "SIGHUP reads the files with keys and --resp-password-file again. A key file may have two lines, a\n" +
    "key each: the server accepts both, and clients use the first.\n" +
    "A variable KG_ with an option's name in capitals does what the option does, which wins if both are\n" +
    "there: KG_MEMORY=1GiB, KG_LISTEN with commas between several, KG_PLAINTEXT_OK=1 (or 0).",
  takesVariables: true,
  options: {
    ...LISTEN_OPTION,
    ...NAME_OPTION,
    ...STORE_OPTIONS,
    ...JOURNAL_OPTIONS,
    ...BACKEND_OPTIONS,
    ...READER_OPTIONS,
    ...DOOR_OPTIONS,
    ...HTTP_OPTIONS,
    ...KEY_FILE_OPTION,
    ...SKVS_OPTIONS,
    ...CRYPTO_OPTION,
    ...LOG_OPTIONS,
  },
  examples: [
    "kg serve",
    "kg serve --listen 10.0.0.5:4040 --listen [::1]:4040 --memory 1GiB",
    "kg serve --key-file /etc/kilogram.key --on-full refuse",
    "kg serve --data-dir /var/lib/kilogram",
    "kg serve --line unix:/run/kg.sock --resp 127.0.0.1:6380",
    "kg serve --http 127.0.0.1:9464    # a page to look at, and /metrics",
    "kg serve --name cache-1 --listen 10.0.0.1:4040    # one of several",
    "kg serve --backend redis://10.0.0.1:6379",
  ],

  hint: () => ": --listen HOST:PORT says where",

  async run(input) {
    beginLog(input);
    const toClose: Closable[] = [];
    const addresses = listenAddressesOf(input);
    const signal = stopSignal();
    const hangUp = new HangUp();
    const now = makeClock();
    const backend = backendOf(input);
    const readers = backend === undefined ? readersOf(input, cryptoChoice(input)) : 0;
    const pollMs = pollOf(input, readers);
    await checkOptions(input);
    const manager = await findManager();
    const folder = input.text("data-dir");
    if (folder !== undefined) manager?.loading(folder);
    const data = backend === undefined
      ? await openExecutor(input, now, readers, signal)
      : await openElsewhere(input, backend, now, signal);
    try {
      if (!signal.aborted) {
        await start(input, data, {
          now,
          readers,
          pollMs,
          hangUp,
          addresses,
          manager,
          stopping: signal,
        }, toClose);
      }
      await stopped(signal);
      manager?.stopping();
      // Requests that wait for the disk are still answered.
      await data.flush();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      try {
        for (const each of toClose) await each.close();
      } finally {
        await data.close();
        hangUp.end();
      }
    }
    log.info("stopped", `kg: stopped by ${signal.reason}`, { signal: String(signal.reason) });
    return Exit.DONE;
  },
};

async function findManager(): Promise<ServiceManager | null> {
  if (!process.env.NOTIFY_SOCKET) return null;
  return (await import("./service_manager.ts")).ServiceManager.find();
}
