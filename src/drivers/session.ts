/**
 * A store for express-session. A session is JSON of up to 1 MiB; touching one does not write it again.
 * When the server is away the callback gets an error, which express-session passes on to `next`.
 */

import { type Calls, type LargeValues, largeValues } from "../mod.ts";
import { KeyNames, MAX_LARGE_KEY_BYTES } from "./key_names.ts";

const DAY_MS = 86_400_000;

export interface SessionOptions {
  /** What all keys begin with; by default `session:`. */
  readonly prefix?: string;
  /** Milliseconds that a session lives whose cookie has no time of its own; by default a day. */
  readonly ttl?: number;
}

/** What is used here of a session. */
export interface Session {
  readonly cookie?: { readonly expires?: Date | string | null | false; readonly maxAge?: unknown };
}

type Done<T = unknown> = (error?: unknown, result?: T) => void;

/** What this store adds to the class that express-session has for stores. */
export interface SessionCalls {
  get(sid: string, done: Done<unknown>): void;
  set(sid: string, session: Session, done?: Done): void;
  touch(sid: string, session: Session, done?: Done): void;
  destroy(sid: string, done?: Done): void;
  all(done: Done<unknown[]>): void;
  length(done: Done<number>): void;
  clear(done?: Done): void;
}

/** A class whose instances a store of express-session may be; to its types it is abstract. */
// deno-lint-ignore no-explicit-any -- what express-session passes to it is its own affair
type StoreClass<T extends object> = abstract new (...args: any[]) => T;

const nobody: Done = () => {};

/**
 * A store of sessions: `session({ store: sessionStore(session.Store, kv), secret, … })`.
 * @param Store express-session's class `session.Store`
 * @param kv a view: `client.within(500)`
 */
export function sessionStore<T extends object>(
  Store: StoreClass<T>,
  kv: Calls<true>,
  options: SessionOptions = {},
): T & SessionCalls {
  const sessions = new Sessions(kv, options);
  const answer = <R>(result: Promise<R>, done: Done<R>) => {
    result.then((value) => done(null, value), (error) => done(error));
  };
  const calls: SessionCalls = {
    get: (sid, done) => answer(sessions.get(sid), done),
    set: (sid, session, done = nobody) => answer(sessions.set(sid, session), done),
    touch: (sid, session, done = nobody) => answer(sessions.touch(sid, session), done),
    destroy: (sid, done = nobody) => answer(sessions.destroy(sid), done),
    all: (done) => answer(sessions.all(), done),
    length: (done) => answer(sessions.count(), done),
    clear: (done = nobody) => answer(sessions.clear(), done),
  };
  const Concrete = Store as new () => T;
  return Object.assign(new Concrete(), calls);
}

class Sessions {
  readonly #kv: Calls<true>;
  readonly #large: LargeValues;
  readonly #names: KeyNames;
  readonly #ttlMs: number;

  constructor(kv: Calls<true>, { prefix = "session:", ttl = DAY_MS }: SessionOptions) {
    this.#kv = kv;
    this.#large = largeValues(kv);
    this.#names = new KeyNames(prefix, MAX_LARGE_KEY_BYTES);
    this.#ttlMs = ttl;
  }

  async get(sid: string): Promise<unknown> {
    return await this.#large.getJson(await this.#names.key(sid)) ?? null;
  }

  async set(sid: string, session: Session): Promise<void> {
    const ttl = this.#ttlOf(session);
    if (ttl === undefined) await this.destroy(sid);
    else {
      await this.#large.setJson(await this.#names.key(sid), session, { ttl, overwrite: true });
    }
  }

  async touch(sid: string, session: Session): Promise<void> {
    const ttl = this.#ttlOf(session);
    if (ttl === undefined) await this.destroy(sid);
    else await this.#large.touch(await this.#names.key(sid), { ttl });
  }

  async destroy(sid: string): Promise<void> {
    await this.#large.delete(await this.#names.key(sid));
  }

  async all(): Promise<unknown[]> {
    const sessions: unknown[] = [];
    for await (const key of this.#keys()) {
      const session = await this.#large.getJson<Session>(key);
      if (session !== undefined) sessions.push({ ...session, id: this.#names.name(key) });
    }
    return sessions;
  }

  async count(): Promise<number> {
    let count = 0;
    for await (const _ of this.#keys()) count++;
    return count;
  }

  async clear(): Promise<void> {
    await this.#kv.drop(this.#names.prefix);
  }

  async *#keys(): AsyncGenerator<string> {
    for await (const key of this.#kv.keysText(this.#names.prefix)) {
      if (this.#names.name(key) !== undefined) yield key;
    }
  }

  /** Milliseconds that a session lives from now; undefined if its time is over. */
  #ttlOf({ cookie }: Session): number | undefined {
    if (!cookie?.expires) return this.#ttlMs;
    const ms = Math.ceil(new Date(cookie.expires).getTime() - Date.now());
    if (Number.isNaN(ms)) return this.#ttlMs;
    return ms >= 1 ? ms : undefined;
  }
}
