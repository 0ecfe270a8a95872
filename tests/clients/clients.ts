/** The clients, and what each needs. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { canImport, pythonWithNewestRedis, pythonWithRedis } from "./installed.ts";

const PROGRAMS = join("tests", "clients", "programs");

export interface Client {
  readonly name: string;
  /** Why it can't be run here. */
  readonly missing?: string;
  /** What must be there where KG_NEED_RESP_SERVER is set. */
  readonly isRequired: boolean;
  /** Its program, for the server at a port of 127.0.0.1. */
  command(port: number): readonly string[];
}

/** @param server "valkey" or "redis", of which the programs in the shell are tried as well */
export function clients(server: string): Client[] {
  return [
    client("node-redis 6", "node", "node_redis.mjs"),
    client("ioredis 5", "node", "ioredis.mjs", "ioredis"),
    client("ioredis 6", "node", "ioredis.mjs", "ioredis-6"),
    client("Bun's RedisClient", process.execPath, "bun_client.mjs"),
    client("Keyv 5 with @keyv/redis", "node", "keyv.mjs"),
    client("connect-redis 9 with express-session", "node", "sessions.mjs"),
    client("unstorage", "node", "unstorage.mjs"),
    shell(`${server}-cli`),
    pythons(),
    newestPythons(),
    glide(),
  ];
}

function client(name: string, runtime: string, program: string, ...rest: string[]): Client {
  const command = (port: number) => [runtime, join(PROGRAMS, program), String(port), ...rest];
  return { name, isRequired: true, command };
}

function shell(program: string): Client {
  const isThere = spawnSync(program, ["--version"]).status === 0;
  const missing = isThere ? undefined : `${program} is missing`;
  return { ...client(program, "node", "redis_cli.mjs", program), missing };
}

function pythons(): Client {
  const python = pythonWithRedis();
  const missing = python === undefined ? "python3 with its module redis is missing" : undefined;
  return { ...scripted("redis-py", python ?? ""), missing };
}

function newestPythons(): Client {
  const found = pythonWithNewestRedis();
  const { python, missing } = { python: "", missing: undefined, ...found };
  return { ...scripted("redis-py 8", python), missing, isRequired: false };
}

/** Without the bytecode that Python else leaves beside a program. */
function scripted(name: string, python: string): Client {
  const command = (port: number) => [python, "-B", join(PROGRAMS, "redis_py.py"), String(port)];
  return { name, isRequired: true, command };
}

function glide(): Client {
  const name = "@valkey/valkey-glide";
  const missing = canImport(name) ? undefined : `${name} has nothing for this machine`;
  return { ...client("valkey-glide 2", "node", "glide.mjs"), missing, isRequired: false };
}
