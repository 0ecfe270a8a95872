"""redis-py, as its README shows it. A release that begins with RESP3 stays with RESP3."""

import asyncio
import sys
import time
from datetime import datetime, timedelta, timezone

import redis
import redis.asyncio

from stable import kind, kinds, left, only, workers
from steps import finish, opening, refusal, step

PORT = int(sys.argv[1])
r = redis.Redis(port=PORT)
other = redis.Redis(port=PORT)


def main():
    opening(r.ping)
    step(r.flushdb)
    for part in [values, numbers, pieces, times, deadlines, keys, scans, pipelines, transactions]:
        part()
    for part in [conflicts, locks, text, errors, server, refused, later, closing]:
        part()
    finish()


def values():
    step(r.set, "greeting", "hello")
    step(r.get, "greeting")
    step(r.get, "missing")
    step(r.set, "greeting", "again", nx=True)
    step(r.set, "greeting", "ahoy", xx=True, get=True)
    step(r.getset, "greeting", "hi")
    step(r.setnx, "greeting", "no")
    step(r.mset, {"a": "1", "b": "2", "c": "ü"})
    step(r.msetnx, {"c": "3", "d": "4"})
    step(r.mget, "a", "b", "c", "d")
    step(r.delete, "a", "d")
    step(r.getdel, "b")
    step(r.strlen, "c")
    step(r.set, "bytes", bytes([0, 13, 10, 255]))
    step(r.get, "bytes")
    step(r.set, b"\x00 \r\n\xff", "an odd key")
    step(r.get, b"\x00 \r\n\xff")
    step(r.set, "large", "x" * 600_000, by=str)
    step(r.get, "large", by=len)
    step(r.__setitem__, "item", "1")
    step(r.__getitem__, "item")
    step(r.__contains__, "item")
    step(r.__delitem__, "item")
    refusal(r.__getitem__, "item")


def numbers():
    step(r.incr, "hits")
    step(r.incrby, "hits", 41)
    step(r.decr, "hits")
    step(r.decrby, "hits", 50)
    step(r.incrbyfloat, "price", 0.1)
    step(r.incrbyfloat, "price", 0.2)
    step(r.incrbyfloat, "price", -1.5e2)
    step(r.get, "price")


def pieces():
    step(r.append, "log", "Hello")
    step(r.append, "log", " World")
    step(r.getrange, "log", 0, 4)
    step(r.substr, "log", -5)
    step(r.setrange, "log", 6, "Redis")
    step(r.get, "log")


def times():
    step(r.set, "timed", "v", ex=100)
    step(r.ttl, "timed", by=left(100))
    step(r.set, "timed", "w", keepttl=True)
    step(r.pttl, "timed", by=left(100_000))
    step(r.getex, "timed", persist=True)
    step(r.ttl, "timed")
    step(r.getex, "timed", ex=timedelta(minutes=5))
    step(r.ttl, "timed", by=left(300))
    step(r.expire, "timed", 50, gt=True)
    step(r.expire, "timed", timedelta(hours=1), gt=True)
    step(r.pexpire, "timed", 400_000, nx=True)
    step(r.persist, "timed")
    step(r.setex, "timed", timedelta(seconds=100), "v")
    step(r.psetex, "timed", 100_000, "v")
    step(r.ttl, "missing")
    step(r.set, "brief", "v", px=20)
    time.sleep(0.1)
    step(r.get, "brief")
    step(r.exists, "brief")


def deadlines():
    """Times to live that end at a point in time, which can be compared exactly."""
    step(r.set, "dated", "v", exat=4_000_000_000)
    step(r.execute_command, "EXPIRETIME", "dated")
    step(r.expireat, "dated", datetime(2100, 1, 1, tzinfo=timezone.utc))
    step(r.execute_command, "EXPIRETIME", "dated")
    step(r.pexpireat, "dated", 4_200_000_000_123)
    step(r.execute_command, "PEXPIRETIME", "dated")
    step(r.getex, "dated", pxat=4_000_000_000_001)
    step(r.execute_command, "PEXPIRETIME", "dated")
    step(r.execute_command, "EXPIRETIME", "missing")
    step(r.expireat, "dated", 1)
    step(r.exists, "dated")


def keys():
    step(r.exists, "greeting", "missing", "greeting")
    step(r.touch, "greeting", "missing")
    step(r.type, "greeting")
    step(r.type, "missing")
    step(r.unlink, "log", "missing")
    step(r.set, "old", "v", pxat=4_000_000_000_000)
    step(r.rename, "old", "new")
    step(r.renamenx, "new", "greeting")
    step(r.copy, "new", "copied")
    step(r.copy, "new", "copied")
    step(r.copy, "new", "copied", replace=True)
    step(r.execute_command, "EXPIRETIME", "copied")
    refusal(r.rename, "missing", "new")
    step(r.randomkey, by=kind)


def scans():
    step(r.flushall)
    step(r.randomkey)
    step(r.mset, {f"user:{'odd' if i % 2 else 'even'}:{i}": "v" for i in range(250)}, by=str)
    step(r.dbsize)
    step(r.scan_iter, by=lambda found: len(set(found)))
    step(r.scan_iter, "user:odd:*", count=7, by=lambda found: len(set(found)))
    step(r.scan_iter, match="nobody:*", by=list)
    step(r.scan_iter, match="user:even:?", _type="STRING", by=set)
    step(r.scan, 0, count=1_000, by=lambda told: told[0])
    step(r.keys, "user:even:?", by=sorted)
    step(r.keys, by=len)


def pipelines():
    step(r.set, "text", "abc")
    one_by_one = r.pipeline(transaction=False)
    one_by_one.set("p", 1).incr("p").get("p").expire("p", 100).exists("p", "missing")
    step(one_by_one.execute)
    one_by_one.set("p", 5).incr("text").incr("p")
    step(one_by_one.execute, raise_on_error=False)
    many = r.pipeline(transaction=False)
    for i in range(100):
        many.set(f"p:{i}", i).get(f"p:{i}")
    step(many.execute)


def transactions():
    """Those are what a pipeline is by default."""
    pipeline = r.pipeline()
    pipeline.set("m", 1).incr("m").mget("m", "missing").delete("m")
    step(pipeline.execute)
    step(pipeline.execute)
    pipeline.set("m", "text").incr("m").get("m")
    step(pipeline.execute, raise_on_error=False)
    pipeline.set("m", "text").incr("m")
    refusal(pipeline.execute)
    pipeline.set("never", 1).execute_command("NOSUCH")
    refusal(pipeline.execute)
    step(r.get, "never")


def conflicts():
    step(r.set, "balance", 1)
    step(r.transaction, doubled, "balance")
    step(r.get, "balance")
    pipeline = r.pipeline()
    step(pipeline.watch, "balance", "limit")
    step(pipeline.get, "balance")
    step(other.set, "limit", 9)
    pipeline.multi()
    pipeline.set("balance", 3)
    refusal(pipeline.execute)
    step(pipeline.watch, "balance")
    step(other.set, "balance", 4)
    step(pipeline.unwatch)
    pipeline.multi()
    pipeline.incr("balance")
    step(pipeline.execute)


def doubled(pipeline):
    before = int(pipeline.get("balance"))
    pipeline.multi()
    pipeline.set("balance", before * 2)


def locks():
    """Its own lock is given back by a script, so this is done as its documentation does without."""
    lock = r.lock("lock", timeout=100)
    step(lock.acquire)
    step(lock.locked)
    step(other.lock("lock", timeout=100).acquire, blocking=False)

    def given_back(pipeline):
        is_mine = pipeline.get("lock") == lock.local.token
        pipeline.multi()
        if is_mine:
            pipeline.delete("lock")

    step(r.transaction, given_back, "lock")
    step(lock.locked)
    step(other.lock("lock", timeout=100).acquire, blocking=False)


def text():
    decoded = redis.Redis(port=PORT, decode_responses=True)
    step(decoded.mset, {"t": "Zoë", "u": "2"})
    step(decoded.mget, "t", "u", "missing")
    step(decoded.type, "t")
    step(decoded.config_get, "appendonly")
    by_url = redis.Redis.from_url(f"redis://127.0.0.1:{PORT}/0")
    step(by_url.get, "t")


def errors():
    refusal(r.incr, "text")
    refusal(r.incrbyfloat, "text", 1.5)
    refusal(r.setrange, "text", -1, "x")
    refusal(r.setex, "text", 0, "v")
    refusal(r.set, "text", "v", px=-1)
    refusal(r.execute_command, "EXPIRE", "text", "soon")
    refusal(r.execute_command, "GET")
    refusal(r.execute_command, "SET", "text", "v", "SOMETIMES")
    refusal(r.execute_command, "NOSUCH", "command")
    refusal(r.execute_command, "SCAN", "here")
    refusal(r.execute_command, "GETEX", "text", "EX", 0)
    refusal(r.execute_command, "EXEC")
    step(r.get, "text")


def server():
    step(r.ping)
    step(r.echo, "hello")
    step(r.client_id, by=kind)
    named = redis.Redis(port=PORT, client_name="worker-2")
    step(named.client_getname)
    alone = redis.Redis(port=PORT, single_connection_client=True)
    step(alone.client_getname)
    step(alone.client_setname, "worker-1")
    step(alone.client_info, by=only("name", "db", "flags", "user", "cmd"))
    step(alone.client_list, by=workers)
    step(r.config_get, "appendonly")
    step(r.config_get, "max*", by=lambda told: "maxmemory" in told)
    step(r.info, by=only("redis_mode", "role", "loading"))
    step(r.info, "keyspace", by=lambda told: only("keys", "expires")(told["db0"]))
    step(r.time, by=kinds)
    step(r.object, "ENCODING", "missing")


def refused():
    """What a server without a password and with one database refuses."""
    refusal(r.execute_command, "SELECT", 1)
    refusal(redis.Redis(port=PORT, db=1).get, "text")
    # Once only: a release that takes this for a lost connection asks for four seconds.
    refusal(redis.Redis(port=PORT, username="nobody", password="secret").get, "text")
    step(with_password)


def with_password():
    """Releases differ: AUTH with a password alone is refused, HELLO with it and a name is not."""
    try:
        return redis.Redis(port=PORT, password="secret").get("text")
    except redis.RedisError as error:
        return error


def later():
    """The client for asyncio has connections of its own."""
    step(asyncio.run, asynchronously())


async def asynchronously():
    client = redis.asyncio.Redis(port=PORT)
    told = [await client.set("async", "1", ex=100), await client.incr("async")]
    async with client.pipeline(transaction=True) as pipeline:
        told.append(await pipeline.set("async", 5).incr("async").execute())
    told.append(sorted([key async for key in client.scan_iter("asyn?")]))
    told.append(sorted(await asyncio.gather(*(client.incr("async") for _ in range(5)))))
    await client.connection_pool.disconnect()
    return told


def closing():
    step(redis.Redis(port=PORT).execute_command, "QUIT")
    step(r.close)
    step(r.get, "text")
    step(other.connection_pool.disconnect)


main()
