/**
 * Commands of Redis that are not for this store, so that whoever sends one learns why. The errors begin as
 * a real server's do for what it does not know, since libraries look for that.
 */

const REASONS: readonly (readonly [why: string, names: string])[] = [
  [
    "this store runs no scripts",
    "EVAL EVALSHA EVAL_RO EVALSHA_RO SCRIPT FUNCTION FCALL FCALL_RO",
  ],
  [
    "this store passes no messages on",
    "PUBLISH SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE PUBSUB SPUBLISH SSUBSCRIBE SUNSUBSCRIBE",
  ],
  [
    "this store has strings and numbers, no other kinds of values",
    "HSET HGET HMSET HMGET HGETALL HDEL HEXISTS HINCRBY HINCRBYFLOAT HKEYS HVALS HLEN HSETNX HSCAN " +
    "LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LLEN LRANGE LINDEX LSET LREM LTRIM LINSERT LMOVE RPOPLPUSH " +
    "BLPOP BRPOP BLMOVE LPOS SADD SREM SMEMBERS SISMEMBER SMISMEMBER SCARD SPOP SRANDMEMBER SINTER " +
    "SUNION SDIFF SMOVE SSCAN ZADD ZREM ZRANGE ZRANGEBYSCORE ZREVRANGE ZSCORE ZRANK ZCARD ZCOUNT " +
    "ZINCRBY ZPOPMIN ZPOPMAX BZPOPMIN BZPOPMAX ZREMRANGEBYSCORE ZREMRANGEBYRANK ZSCAN XADD XREAD " +
    "XREADGROUP XRANGE XLEN XACK XGROUP XDEL XTRIM PFADD PFCOUNT PFMERGE GEOADD GEOSEARCH SETBIT " +
    "GETBIT BITCOUNT BITOP BITFIELD BITPOS SORT",
  ],
];

const BY_NAME: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([why, names]) => names.split(" ").map((name) => [name, why])),
);

/** Why there is no such command; undefined if it is none of Redis. @param name in upper case */
export const reasonAgainst = (name: string): string | undefined => BY_NAME.get(name);
