/**
 * Jobs as commands of an engine, and replies as outcomes. Each command is one step there. Source: the reference of
 * Redis 7.0; docs/ENGINE.md has the table.
 */

import { Action, type Job } from "../../execute/executor.ts";
import { NONE, Result, type Span } from "../../store/store.ts";
import { outcome } from "../fills.ts";
import { type Fill, unavailable, unknown } from "../later_executor.ts";
import type { Word } from "./commands.ts";
import { EngineError, type Reply } from "./replies.ts";

/** A job as commands that are sent together. */
export interface Plan {
  readonly commands: readonly (readonly Word[])[];
  readonly isRead: boolean;
  /** Makes the outcome from the replies, in the order of the commands. */
  readonly conclude: (replies: readonly Reply[]) => Fill;
}

/** Replaces a value that is the expected one: 1; another value, or nothing. */
const SET_IF_EQUAL = "local v=redis.call('GET',KEYS[1]) if not v then return false end " +
  "if v~=ARGV[1] then return v end " +
  "if ARGV[3]=='0' then redis.call('SET',KEYS[1],ARGV[2]) " +
  "elseif ARGV[3]=='-1' then redis.call('DEL',KEYS[1]) " +
  "else redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end return 1";

const DELETE_IF_EQUAL = "local v=redis.call('GET',KEYS[1]) if not v then return false end " +
  "if v~=ARGV[1] then return v end redis.call('DEL',KEYS[1]) return 1";

/** Lua's numbers are doubles, so the sum is what GET gives, as text. */
const ADD = "if ARGV[2]~='0' then redis.call('SET',KEYS[1],'0','NX','PX',ARGV[2]) end " +
  "redis.call('INCRBY',KEYS[1],ARGV[1]) " +
  "return {redis.call('GET',KEYS[1]),redis.call('PTTL',KEYS[1])}";

const PERSIST = "if redis.call('EXISTS',KEYS[1])==0 then return 0 end " +
  "redis.call('PERSIST',KEYS[1]) return 1";

/** @param nowMs on the store's clock @returns null for SCAN and DROP, which concern more than a key */
export function planOf(job: Job, nowMs: number): Plan | null {
  const key: Word = { span: job.key, keeps: true };
  const px = lifeOf(job.expiresAtMs, nowMs);
  const isWanted = job.found.room !== NONE;
  switch (job.action) {
    case Action.GET:
    case Action.PEEK:
      return readPlan(job, key, nowMs, isWanted);
    case Action.EXISTS:
      return {
        commands: [["PTTL", key]],
        isRead: true,
        conclude: ([ttl]) => foundOr(ttl, null, ttl, nowMs),
      };
    case Action.SET:
      return job.ifEqual ? setIfEqualPlan(job, key, px) : setPlan(job, key, px, isWanted);
    case Action.DELETE:
      return deletePlan(job, key, isWanted);
    case Action.ADD:
      return {
        commands: [["EVAL", ADD, "1", key, String(job.delta), px]],
        isRead: false,
        conclude: ([reply]) => sumOf(reply, nowMs),
      };
    case Action.TOUCH:
      return {
        commands: [px === FOR_EVER ? ["EVAL", PERSIST, "1", key] : ["PEXPIRE", key, px]],
        isRead: false,
        conclude: ([reply]) => refusalOf(reply) ?? doneIf(reply === 1),
      };
    default:
      return null;
  }
}

const FOR_EVER = "0";
const OVER = "-1";

/** The time left in ms, as text. */
function lifeOf(expiresAtMs: number, nowMs: number): string {
  if (expiresAtMs === 0) return FOR_EVER;
  return expiresAtMs <= nowMs ? OVER : String(Math.ceil(expiresAtMs - nowMs));
}

/** What is read besides the value depends on what is asked for: a length, a time to live, or neither. */
function readPlan(job: Job, key: Word, nowMs: number, isWanted: boolean): Plan {
  const isTimed = job.wantsExpiry;
  if (!isWanted && isTimed) {
    return {
      commands: [["PTTL", key], ["STRLEN", key]],
      isRead: true,
      conclude: ([ttl, length]) => {
        const refusal = refusalOf(length);
        if (refusal !== null) return refusal;
        const isThere = ttl !== -2 && typeof length === "number";
        return foundOr(ttl, isThere ? new Uint8Array(length) : null, ttl, nowMs);
      },
    };
  }
  return {
    commands: isTimed ? [["GET", key], ["PTTL", key]] : [["GET", key]],
    isRead: true,
    conclude: ([value, ttl = -1]) =>
      refusalOf(value) ??
        (value === null ? outcome(Result.MISSING) : foundOr(ttl, bytesOf(value), ttl, nowMs)),
  };
}

/** @param ttl as PTTL tells it: −2 if there is no such key, −1 if it lives for ever */
function foundOr(reply: Reply, value: Uint8Array | null, ttl: Reply, nowMs: number): Fill {
  const refusal = refusalOf(reply);
  if (refusal !== null) return refusal;
  // It may have expired between a GET and its PTTL: then it has next to no time left.
  if (ttl === -2 && value === null) return outcome(Result.MISSING);
  return outcome(Result.DONE, value, expiryOf(ttl, nowMs));
}

function expiryOf(ttl: Reply, nowMs: number): number {
  if (ttl === -1 || typeof ttl !== "number") return 0;
  return Math.ceil(nowMs) + Math.max(1, ttl);
}

function setPlan(job: Job, key: Word, px: string, isWanted: boolean): Plan {
  const words: Word[] = ["SET", key, { span: job.value, keeps: true }];
  if (!job.overwrite) words.push("NX");
  if (isWanted) words.push("GET");
  // A time that has passed removes the key, which SET does only with a moment.
  if (px === OVER) words.push("PXAT", "1");
  else if (px !== FOR_EVER) words.push("PX", px);
  const { overwrite } = job;
  return {
    commands: [words],
    isRead: false,
    conclude([reply]) {
      const refusal = refusalOf(reply);
      if (refusal !== null) return refusal;
      const value = reply instanceof Uint8Array ? bytesOf(reply) : null;
      if (overwrite || !isWanted) {
        return outcome(reply === null && !overwrite ? Result.PRESENT : Result.DONE, value);
      }
      return outcome(value === null ? Result.DONE : Result.PRESENT, value);
    },
  };
}

function setIfEqualPlan(job: Job, key: Word, px: string): Plan {
  const expected: Word = { span: job.expected, keeps: true };
  const value: Word = { span: job.value, keeps: true };
  return {
    commands: [["EVAL", SET_IF_EQUAL, "1", key, expected, value, px]],
    isRead: false,
    conclude: ([reply]) => refusalOf(reply) ?? comparedOf(reply, job.expected),
  };
}

function deletePlan(job: Job, key: Word, isWanted: boolean): Plan {
  if (job.ifEqual) {
    const expected: Word = { span: job.expected, keeps: true };
    return {
      commands: [["EVAL", DELETE_IF_EQUAL, "1", key, expected]],
      isRead: false,
      conclude: ([reply]) => refusalOf(reply) ?? comparedOf(reply, job.expected),
    };
  }
  return {
    commands: [[isWanted ? "GETDEL" : "DEL", key]],
    isRead: false,
    conclude([reply]) {
      const refusal = refusalOf(reply);
      if (refusal !== null) return refusal;
      if (!isWanted) return doneIf(reply === 1);
      return reply === null ? outcome(Result.MISSING) : outcome(Result.DONE, bytesOf(reply));
    },
  };
}

/** @param expected what was there, if it was replaced or removed */
function comparedOf(reply: Reply, expected: Span): Fill {
  if (reply === 1) return outcome(Result.DONE, bytesIn(expected));
  return reply === null ? outcome(Result.MISSING) : outcome(Result.PRESENT, bytesOf(reply));
}

function sumOf(reply: Reply, nowMs: number): Fill {
  const refusal = refusalOf(reply);
  if (refusal !== null) return refusal;
  if (!Array.isArray(reply)) return unknown("the engine's reply to an ADD is none");
  const [sum, ttl] = reply;
  return outcome(Result.DONE, bytesOf(sum), expiryOf(ttl, nowMs));
}

function doneIf(isDone: boolean): Fill {
  return outcome(isDone ? Result.DONE : Result.MISSING);
}

function bytesIn({ bytes, start, length }: Span): Uint8Array {
  return bytes.subarray(start, start + length);
}

/** A copy, since the reply's bytes are only there for now. */
function bytesOf(reply: Reply): Uint8Array {
  return reply instanceof Uint8Array ? Uint8Array.from(reply) : new Uint8Array(0);
}

/** An error that the engine replied: it has changed nothing. Null for another reply. */
function refusalOf(reply: Reply): Fill | null {
  if (!(reply instanceof EngineError)) return null;
  const { code, text } = reply;
  if (code === "OOM") return outcome(Result.FULL);
  if (text.includes("value is not an integer")) return outcome(Result.NOT_A_NUMBER);
  if (text.includes("increment or decrement would overflow")) return outcome(Result.OVERFLOW);
  return unavailable(`the engine refuses: ${text}`);
}
