/** Commands for the RESP door and for a real server, whose replies must be the same to the byte. */

import { randomOf } from "../bytes.ts";

/** What is sent at once, and how long to wait first. */
export interface Step {
  readonly bytes: Buffer;
  readonly waitMs?: number;
}

/** A request as clients send it. */
export function request(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts = words.map((word) => {
    const bytes = typeof word === "string" ? Buffer.from(word) : Buffer.from(word);
    return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** Each line is sent at once: commands separated by semicolons, words by single spaces. */
const WRITTEN = String.raw`
PING;PING hello;PING a b;ping;pInG x
ECHO hello;ECHO;ECHO a b
GET missing;GET;GET a b
SET k;SET k v;GET k;SET k w;GET k;TYPE k;STRLEN k;EXISTS k
SET k v extra;SET k v NX XX;SET k v XX NX;SET k v EX;SET k v PX;SET k v EX abc;SET k v EX 1.5
SET k v EX 0;SET k v EX -1;SET k v PX 0;SET k v PX -5;SET k v EXAT 0;SET k v PXAT -1
SET k v EX 9223372036854775807;SET k v PX 9223372036854775807;SET k v EX 9223372036854775
SET k v EX 99999999999999999999;SET k v EXAT 9223372036854775807
SET k v EX 10 PX 10;SET k v KEEPTTL EX 10;SET k v EX 10 KEEPTTL;SET k v EXAT 10 PX 1
SET k v EX 10 EX 20;TTL k;SET k v GET EX;SET k v BAD
SET nx 1 NX;SET nx 2 NX;GET nx;DEL nx;SET nx 3 nx;GET nx
SET xx 1 XX;GET xx;SET xx 1;SET xx 2 xx;GET xx
SET g 1 GET;SET g 2 GET;GET g;SET g 3 GET NX;GET g;SET g2 1 NX GET;GET g2;SET g3 1 XX GET;GET g3
SET t v EX 100;TTL t;SET t w KEEPTTL;TTL t;GET t;SET t x;TTL t;SET t y KEEPTTL;TTL t
SET t v PX 100000;TTL t;SET t v EXAT 1;GET t;EXISTS t;SET t v PXAT 1000;TYPE t
SET t v EXAT 99999999999;EXISTS t;PERSIST t;TTL t;SET t v GET EXAT 1;GET t
SET t v ex 100;TTL t;SET t 5 keepttl get;TTL t;INCR t;TTL t;SET t v XX EX 50;TTL t
SETNX a 1;SETNX a 2;GET a;SETNX a;SETNX a b c;SETNX
SETEX e 100 v;TTL e;GET e;SETEX e 0 v;SETEX e -1 v;SETEX e abc v;SETEX e 1;SETEX e 9223372036854775807 v
PSETEX e 100000 v;TTL e;PSETEX e 0 v;PSETEX e x v;PSETEX e
GETSET gs 1;GETSET gs 2;GET gs;SET gs v EX 100;GETSET gs w;TTL gs;GETSET gs
GETDEL gs;GETDEL gs;GET gs;GETDEL;GETDEL a b
MSET m1 a m2 b;MGET m1 m2 m3;MGET m1;MGET;MSET;MSET a;MSET a b c;MSET m1 x m1 y;GET m1
DEL m1 m2 m3;DEL m1;DEL;UNLINK m1;SET m1 1;UNLINK m1 m1;UNLINK
SET x1 1;SET x2 2;EXISTS x1 x2 x1 x3;EXISTS;EXISTS nothing
INCR c;INCR c;DECR c;INCRBY c 10;DECRBY c 3;GET c;INCRBY c -20;DECRBY c -5;GET c
INCR;INCR a b;INCRBY c;INCRBY c x;INCRBY c 1.5;INCRBY c 1e3;DECRBY c x;INCRBY c +1;INCRBY c 01
SET s abc;INCR s;DECR s;INCRBY s 1;SET s 1x;INCR s;SET s -0;INCR s;SET s 01;INCR s;SET s +1;INCR s
SET b 9223372036854775807;INCR b;GET b;DECR b;INCRBY b 1;INCRBY b 1;INCRBY b -9223372036854775808
SET b -9223372036854775808;DECR b;DECRBY b 1;INCR b;DECRBY b -9223372036854775808;GET b
DECRBY b 9223372036854775807;DECRBY fresh -9223372036854775808;INCRBY fresh 9223372036854775808
SET n 10;EXPIRE n 100;TTL n;INCR n;TTL n;DECR n;TTL n;PERSIST n;TTL n;PERSIST n;PERSIST none;PERSIST
EXPIRE none 10;EXPIRE n;EXPIRE n abc;EXPIRE n 10 BAD;EXPIRE n 1.5;EXPIRE n 9223372036854775807
EXPIRE n -9223372036854775808;PEXPIRE n 9223372036854775807;PEXPIRE n abc;PEXPIRE n
EXPIRE n 100 NX;TTL n;EXPIRE n 200 NX;TTL n;EXPIRE n 300 XX;TTL n;EXPIRE n 200 GT;TTL n
EXPIRE n 400 GT;TTL n;EXPIRE n 500 LT;TTL n;EXPIRE n 100 LT;TTL n;EXPIRE n 50 XX LT;TTL n
EXPIRE n 100 NX XX;EXPIRE n 100 NX GT;EXPIRE n 1 GT LT;EXPIRE n 1 NX BAD;EXPIRE n 100 nx gt lt
PERSIST n;EXPIRE n 100 GT;TTL n;EXPIRE n 100 LT;TTL n;PERSIST n;EXPIRE n 100 XX;TTL n;EXPIRE none 1 XX
EXPIRE n 0;EXISTS n;SET n 1;EXPIRE n -1;EXISTS n;SET n 1;PEXPIRE n 100000;TTL n;PEXPIRE n 0;GET n
SET p v PX 100000;PERSIST p;TTL p;PTTL p;PTTL none;TTL none;TTL;PTTL;TTL a b
TYPE none;TYPE;STRLEN none;STRLEN;STRLEN a b;SET l hello;STRLEN l
SELECT 0;SELECT 1;SELECT -1;SELECT abc;SELECT;SELECT 0 0;SELECT 0
CLIENT;CLIENT GETNAME;CLIENT SETNAME me;CLIENT GETNAME;client getname;CLIENT SETNAME
CLIENT GETNAME x;CLIENT ID x;CLIENT NOSUCH;CLIENT NOSUCH x y;CLIENT SETNAME a b
HELLO x;HELLO 1;HELLO 4;HELLO 99;HELLO 2 BAD;HELLO 2 SETNAME;HELLO -2
NOSUCH;nosuch a b;NOSUCH a b c d e f g;FLY me to the moon
DBSIZE x;SET d1 1;DBSIZE
FLUSHALL;DBSIZE;FLUSHDB;FLUSHALL ASYNC;FLUSHDB SYNC;FLUSHDB async;FLUSHALL BAD;FLUSHALL ASYNC x;FLUSHDB x
SET one 1;RANDOMKEY;KEYS *;KEYS o*;KEYS ?ne;KEYS [a-o]ne;KEYS [^x]ne;KEYS \one;KEYS x*;KEYS;KEYS a b
SCAN 0;SCAN 0 MATCH o*;SCAN 0 MATCH x*;SCAN 0 COUNT 1000;SCAN 0 TYPE string;SCAN 0 TYPE hash;SCAN 0 TYPE
SCAN;SCAN x;SCAN 1.5;SCAN 0 COUNT;SCAN 0 COUNT 0;SCAN 0 COUNT -1;SCAN 0 COUNT x;SCAN 0 BAD
SCAN 0 MATCH;SCAN 0 match o* count 10 type string;SCAN 99999999999999999999999;RANDOMKEY x
FLUSHALL;RANDOMKEY;KEYS *;SCAN 0
APPEND ap a;APPEND ap bc;GET ap;APPEND ap;APPEND ap a b;EXPIRE ap 100;APPEND ap d;TTL ap;STRLEN ap
GETRANGE ap 0 -1;GETRANGE ap 1 2;GETRANGE ap -2 -1;GETRANGE ap -1 -2;GETRANGE ap 5 9;GETRANGE ap 0 -100
GETRANGE ap -100 1;GETRANGE ap x 1;GETRANGE ap 0 x;GETRANGE none 0 -1;GETRANGE ap 0;SUBSTR ap 1 2
GETRANGE ap 0 9223372036854775807;GETRANGE ap -9223372036854775808 1;GETRANGE ap 3 3;GETRANGE ap 2 1
SETRANGE ap 1 XY;GET ap;TTL ap;SETRANGE ap 6 z;STRLEN ap;SETRANGE none 5 v;STRLEN none;DEL none
SETRANGE ap 0;SETRANGE ap x v;SETRANGE ap -1 v;SETRANGE ap 1048576 v;SETRANGE ap 9223372036854775807 v
INCRBYFLOAT f 0.1;INCRBYFLOAT f 0.2;GET f;INCRBYFLOAT f -0.3;INCRBYFLOAT f 5.0e3;INCRBYFLOAT f -5e3;GET f
INCRBYFLOAT f x;INCRBYFLOAT f;INCRBYFLOAT f 1 2;SET f abc;INCRBYFLOAT f 1;SET f 10.50;INCRBYFLOAT f 0.1
SET f 3.0e3;INCRBYFLOAT f 200;SET f 1;EXPIRE f 100;INCRBYFLOAT f .5;TTL f;INCRBYFLOAT f 1.;INCRBYFLOAT f +1
INCRBYFLOAT f inf;INCRBYFLOAT f 1e;INCRBYFLOAT f 1e2x;SET f -0.5;INCRBYFLOAT f 0.25;INCRBYFLOAT f 0.25
MSETNX mn1 a mn2 b;MSETNX mn2 c mn3 d;GET mn2;EXISTS mn3;MSETNX;MSETNX a;MSETNX a b c
GETEX none;SET gx v;GETEX gx;TTL gx;GETEX gx EX 100;TTL gx;GETEX gx PERSIST;TTL gx;GETEX gx PX 100000
GETEX gx EXAT 99999999999;GETEX gx PXAT 99999999999000;GETEX gx EX;GETEX gx EX 0;GETEX gx EX -1;GETEX gx EX x
GETEX gx BAD;GETEX gx EX 10 PERSIST;GETEX gx PERSIST x;GETEX;GETEX gx EXAT 1;EXISTS gx
SET at v;EXPIREAT at 99999999999;EXPIRETIME at;PEXPIRETIME at;PEXPIREAT at 99999999999123;PEXPIRETIME at
EXPIRETIME at;EXPIREAT at 99999999999 NX;EXPIREAT at 88888888888 LT;EXPIRETIME at;PERSIST at;EXPIRETIME at
EXPIRETIME none;PEXPIRETIME none;EXPIRETIME;EXPIREAT at x;EXPIREAT at 1;EXISTS at;PEXPIREAT none 1;EXPIREAT at
TOUCH none;SET t1 1;SET t2 2;TOUCH t1 t2 none t1;TOUCH
SET ra 1 EX 100;RENAME ra rb;EXISTS ra;GET rb;TTL rb;RENAME ra rb;SET rc 3;RENAME rb rc;GET rc;RENAME rc rc
RENAMENX rc rd;RENAMENX none x;SET re 1;RENAMENX rd re;RENAMENX rd rd;RENAME a;RENAME a b c;RENAMENX a
SET ca 1 EX 100;COPY ca cb;GET cb;TTL cb;COPY ca cb;SET ca 2;COPY ca cb REPLACE;GET cb;COPY ca ca;COPY none x
COPY ca cb BAD;COPY ca cb DB 0 REPLACE;COPY ca;COPY ca cb DB;COPY ca cb DB x
MULTI;SET m 1;INCR m;GET m;EXEC;GET m;EXEC;DISCARD;MULTI;SET m 5;DISCARD;GET m
MULTI;EXEC;MULTI;MULTI;PING;EXEC;MULTI;NOSUCH;SET m 9;EXEC;GET m;MULTI;GET;EXEC;MULTI;INCR m;INCR no x;EXEC
MULTI;SET s abc;INCR s;GET s;EXEC;MULTI;WATCH m;EXEC;MULTI;UNWATCH;EXEC;EXEC x;MULTI;EXEC x;EXEC
WATCH m;MULTI;GET m;EXEC;WATCH m;SET m 7;MULTI;GET m;EXEC;WATCH m;SET m 7;UNWATCH;MULTI;GET m;EXEC
WATCH none;SET none 1;MULTI;PING;EXEC;DEL none;WATCH none;DEL none;MULTI;PING;EXEC;WATCH;UNWATCH x
WATCH m;EXPIRE m 100;MULTI;PING;EXEC;WATCH m;PERSIST m;MULTI;PING;EXEC;WATCH m;GET m;TTL m;MULTI;PING;EXEC
WATCH m;SET m x NX;MULTI;PING;EXEC;WATCH m none;FLUSHALL;MULTI;PING;EXEC;WATCH none;FLUSHALL;MULTI;PING;EXEC
SET w 1;WATCH w;RENAME w w2;MULTI;PING;EXEC;WATCH w2;COPY w2 w3;MULTI;PING;EXEC;WATCH w3;COPY w2 w3 REPLACE;MULTI;PING;EXEC
WATCH w2;MSET w2 a;MULTI;PING;EXEC;WATCH w2;APPEND w2 b;MULTI;PING;EXEC;WATCH w2;GETEX w2 EX 100;MULTI;PING;EXEC
WATCH w2;GETDEL w2;MULTI;PING;EXEC;WATCH w2;MULTI;SET w2 1;EXEC;MULTI;PING;EXEC;GET w2
MULTI;MGET w2 none;EXISTS none;TTL none;GETSET w2 b;EXPIRE w2 0;EXISTS w2;EXEC;MULTI;ECHO a;TYPE none;EXEC
AUTH;AUTH pw;AUTH default pw;AUTH someone pw;AUTH a b c;HELLO 2 AUTH;HELLO 2 AUTH default;HELLO 2 AUTH someone x
MULTI;SET ms v;OBJECT BOGUS ms;EXEC;EXISTS ms;MULTI;CLIENT NOSUCH;EXEC;MULTI;OBJECT ENCODING;EXEC
GETEX none EX 0;GETEX none PX 0;GETEX none EX x;SET fr v PXAT 99999999999600;EXPIRETIME fr;HELLO 03
WAIT 0 0;WAIT 0 x;WAIT x 0;WAIT 0 -1;WAIT 0;TIME x
OBJECT ENCODING none;SET oe 12;OBJECT ENCODING oe;SET oe hello;OBJECT ENCODING oe;OBJECT;OBJECT ENCODING
OBJECT REFCOUNT none;OBJECT NOSUCH oe;MEMORY USAGE none;MEMORY;MEMORY USAGE;CONFIG;CONFIG GET;CONFIG NOSUCH
CONFIG GET appendonly;CONFIG GET nosuch;CONFIG GET appendonl?;CONFIG GET timeou? timeout
CLIENT NO-EVICT on;CLIENT NO-EVICT off;CLIENT NO-EVICT;CLIENT NO-EVICT x;CLIENT LIST BAD;CLIENT LIST TYPE bad
CLIENT LIST TYPE pubsub;CLIENT LIST ID 999999;CLIENT LIST ID x;CLIENT LIST ID;COMMAND INFO nosuch;COMMAND COUNT x
COMMAND COUNT x;COMMAND NOSUCH
QUITE;GETX;SETT a b
`;

/** What the lines above cannot express: bytes of all kinds, and requests of all forms. */
const ODD: readonly (string | Buffer)[] = [
  request("SET", "bin", Uint8Array.from({ length: 256 }, (_, i) => i)),
  request("GET", "bin"),
  request("STRLEN", "bin"),
  request("SET", Uint8Array.of(0, 255, 13, 10), "odd key"),
  request("GET", Uint8Array.of(0, 255, 13, 10)),
  request("SET", "empty", ""),
  request("GET", "empty"),
  request("STRLEN", "empty"),
  request("INCR", "empty"),
  request("SET", "big", "x".repeat(100_000)),
  request("GET", "big"),
  request("GETSET", "big", "small"),
  request("SET", "spaced", " 1"),
  request("INCR", "spaced"),
  request("SET", "spaced", "1 "),
  request("INCR", "spaced"),
  request("SET", "long", "1".repeat(21)),
  request("INCR", "long"),
  request("INCRBY", "long", ""),
  request("EXPIRE", "long", ""),
  request("CLIENT", "SETNAME", "with space"),
  request("CLIENT", "SETNAME", "with\nbreak"),
  request("CLIENT", "SETNAME", ""),
  request("CLIENT", "GETNAME"),
  request(""),
  request("", "a"),
  request("no\r\nsuch", "a\r\nb"),
  request("no\0such", "a\0b"),
  request("x".repeat(200), "y".repeat(200)),
  request("nosuch", "y".repeat(100), "z".repeat(100), "w"),
  request("nosuch", ...Array.from({ length: 100 }, (_, i) => `${i}`)),
  request("nosuch", "\u00e9\u4e16"),
  request("EXPIRE", "long", "1", "b\nd"),
  "PING\r\n",
  "PING\n",
  "\r\n\r\nPING\r\n",
  "   ping   \r\n",
  "SET inline value\r\nGET inline\r\n",
  'SET inline "a b"\r\nGET inline\r\n',
  "SET inline 'a b'\r\nGET inline\r\n",
  String.raw`SET inline "\x41\n\t\\\"\z"` + "\r\nGET inline\r\n",
  String.raw`SET inline 'it\'s \n'` + "\r\nGET inline\r\n",
  'SET inline ""\r\nGET inline\r\nSTRLEN inline\r\n',
  'SET in"li ne" x\r\nGET "inli ne"\r\n',
  "NOSUCH inline words\r\n",
  "*0\r\n",
  "*-1\r\n",
  "*-7\r\nPING\r\n",
  "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nping\r\n",
  "MULTI\r\nSET inline 'a b'\r\nGET inline\r\nEXEC\r\n",
  Buffer.concat([
    request("MULTI"),
    request("SET", "bin", Uint8Array.from({ length: 256 }, (_, i) => i)),
    request("GET", "bin"),
    request("SET", "", ""),
    request("EXEC"),
  ].filter((_, i) => i !== 3)),
  request("GETRANGE", "bin", "250", "300"),
  request("SETRANGE", "bin", "255", "\r\n"),
  request("APPEND", "bin", ""),
  request("KEYS", "b[hijk]n"),
  request("KEYS", "b[^n"),
  request("KEYS", "*a*a*a*a*b"),
];

/** Each ends its connection, since its sender does not speak the protocol. */
export const VIOLATIONS: readonly string[] = [
  'SET inline "open\r\n',
  "SET inline 'open\r\n",
  'SET "a"b c\r\n',
  "SET 'a'b c\r\n",
  "*x\r\n",
  "*\r\n",
  "*01\r\n",
  "*+1\r\n",
  "*-0\r\n",
  "*9999999999\r\n",
  "*99999999999999999999\r\n",
  "*1\r\nPING\r\n",
  "*1\r\n:4\r\n",
  "*1\r\n\r\n",
  "*1\r\n$x\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$04\r\n",
  "*1\r\n$1048577\r\n",
  "*1\r\n$1073741824\r\n",
  "*1\r\n$9223372036854775807\r\n",
  "*1\r\n$99999999999999999999\r\n",
  "*2\r\n$3\r\nGET\r\nfoo\r\n",
  `*${"1".repeat(70_000)}`,
  `*1\r\n$${"1".repeat(70_000)}`,
  "x".repeat(70_000),
  "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET evil 1\r\n",
  "QUIT\r\n",
  "QUIT now\r\n",
  "*1\r\n$4\r\nquit\r\nPING\r\n",
];

/** @param seed of the random commands */
export function script(seed: number, count: number): Step[] {
  const lines = WRITTEN.trim().split("\n").map((line) =>
    Buffer.concat(line.split(";").map((command) => request(...command.split(" "))))
  );
  const steps: Step[] = [...lines, ...ODD].map((bytes) => ({ bytes: Buffer.from(bytes) }));
  steps.push({ bytes: request("SET", "brief", "v", "PX", "1") });
  steps.push({ bytes: request("GET", "brief"), waitMs: 50 });
  steps.push({ bytes: request("TTL", "brief") });
  return [...steps, ...atRandom(seed, count)];
}

/** Several commands on few keys, so that each meets what earlier ones left. */
function atRandom(seed: number, count: number): Step[] {
  const random = randomOf(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const key = () => pick(["r1", "r2", "r3", "r4"]);
  const value = () =>
    pick(["", "v", "12", "-7", "9223372036854775807", "a b", "\r\n", "x".repeat(900)]);
  const number = () => pick(["1", "-1", "7", "100", "x", "", "9223372036854775807"]);
  const option = () =>
    pick([["NX"], ["XX"], ["GET"], ["KEEPTTL"], ["EX", "1000"], ["PX", "1000000"]]);
  const commands: readonly (() => string[])[] = [
    () => ["GET", key()],
    () => ["SET", key(), value()],
    () => ["SET", key(), value(), ...option(), ...(random() < 0.3 ? option() : [])],
    () => ["SETNX", key(), value()],
    () => ["GETSET", key(), value()],
    () => ["GETDEL", key()],
    () => ["DEL", key(), key()],
    () => ["EXISTS", key(), key(), key()],
    () => ["MGET", key(), key(), key()],
    () => ["MSET", key(), value(), key(), value()],
    () => ["INCR", key()],
    () => ["DECRBY", key(), number()],
    () => ["INCRBY", key(), number()],
    () => ["STRLEN", key()],
    () => ["TYPE", key()],
    () => ["PERSIST", key()],
    () => ["EXPIRE", key(), pick(["1000", "0", "-5", "x"]), ...pick([[], ["NX"], ["XX"], ["LT"]])],
    () => ["SETEX", key(), number(), value()],
  ];
  return Array.from({ length: count }, () => {
    const command = request(...pick(commands)());
    // A time to live is asked for right after the command that may have changed it.
    return { bytes: Buffer.concat([command, request("EXISTS", "r1", "r2"), request("GET", "r1")]) };
  });
}
