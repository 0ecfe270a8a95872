#!/usr/bin/env node
/**
 * A client of Kilogram's line door for Node, and what it is for: a cache beside a slow source, and a
 * rate limiter. Nothing but what Node has. (A program in TypeScript or JavaScript on another machine
 * uses the library, over the encrypted wire.)
 *
 *     kg serve --line 127.0.0.1:8765
 *     node examples/kilogram.mjs 127.0.0.1:8765    # or unix:/run/kg.sock
 */

import { connect } from "node:net";
import { createInterface } from "node:readline";

class Kilogram {
  #socket;
  /** Who waits for a reply, in the order of the requests. */
  #waiting = [];

  constructor(place) {
    const colon = place.lastIndexOf(":");
    this.#socket = place.startsWith("unix:")
      ? connect(place.slice("unix:".length))
      : connect(Number(place.slice(colon + 1)), place.slice(0, colon)).setNoDelay();
    createInterface({ input: this.#socket }).on(
      "line",
      (line) => this.#waiting.shift()?.resolve(line),
    );
    const fail = (error) => this.#waiting.splice(0).forEach(({ reject }) => reject(error));
    this.#socket.on("error", fail);
    this.#socket.on("close", () => fail(new Error("the server closed the connection")));
  }

  /** The value as a Buffer, or undefined. */
  async get(key) {
    return valueOf(await this.#ask(`GET ${key}`));
  }

  /** Stores a text or bytes, in place of what was there. */
  async set(key, value, ttlMs) {
    const encoded = Buffer.from(value).toString("base64") || "-";
    await this.#ask(`SETB64 ${key} ${encoded}${after(ttlMs)}`);
  }

  /** Whether there was such a key. */
  async delete(key) {
    return (await this.#ask(`DELETE ${key}`)) === "OK";
  }

  /** The sum. The time to live counts only if this makes the key. */
  async add(key, delta = 1, ttlMs) {
    return Number(valueOf(await this.#ask(`ADD ${key} ${delta}${after(ttlMs)}`)));
  }

  close() {
    this.#socket.end("QUIT\n");
  }

  async #ask(line) {
    const reply = await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${line}\n`);
    });
    if (reply.startsWith("ERROR ")) throw new Error(reply);
    return reply;
  }
}

const after = (ttlMs) => (ttlMs === undefined ? "" : ` ${ttlMs}`);

const valueOf = (reply) =>
  reply === "NOT_FOUND" ? undefined : Buffer.from(reply.slice("VALUE ".length), "base64");

/** Cache-aside: what is not in the cache is loaded, and kept for a minute. */
async function userName(kg, user) {
  const cached = await kg.get(`user:${user}`);
  if (cached !== undefined) return `${cached} (cached)`;
  const name = "Ada"; // A query of the database.
  await kg.set(`user:${user}`, name, 60_000);
  return `${name} (loaded)`;
}

/** At most so many requests in ten seconds, counted from the first. */
async function isAllowed(kg, client, limit) {
  return (await kg.add(`limit:${client}`, 1, 10_000)) <= limit;
}

const kg = new Kilogram(process.argv[2] ?? "127.0.0.1:8765");
await kg.delete("user:7");
await kg.delete("limit:10.0.0.7");
for (let i = 0; i < 2; i++) console.log(`user 7: ${await userName(kg, 7)}`);
for (let request = 1; request <= 3; request++) {
  const isServed = await isAllowed(kg, "10.0.0.7", 2);
  console.log(`request ${request}: ${isServed ? "allowed" : "refused"}`);
}
kg.close();
