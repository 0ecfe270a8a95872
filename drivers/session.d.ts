// Made from src/drivers/session.ts by: npm run types

/**
 * A store for express-session. A session is JSON of up to 1 MiB; touching one does not write it again.
 * When the server is away the callback gets an error, which express-session passes on to `next`.
 */
import { type Calls } from "../kilogram.js";
export interface SessionOptions {
    /** What all keys begin with; by default `session:`. */
    readonly prefix?: string;
    /** Milliseconds that a session lives whose cookie has no time of its own; by default a day. */
    readonly ttl?: number;
}
/** What is used here of a session. */
export interface Session {
    readonly cookie?: {
        readonly expires?: Date | string | null | false;
        readonly maxAge?: unknown;
    };
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
type StoreClass<T extends object> = abstract new (...args: any[]) => T;
/**
 * A store of sessions: `session({ store: sessionStore(session.Store, kv), secret, … })`.
 * @param Store express-session's class `session.Store`
 * @param kv a view: `client.within(500)`
 */
export declare function sessionStore<T extends object>(Store: StoreClass<T>, kv: Calls<true>, options?: SessionOptions): T & SessionCalls;
export {};
