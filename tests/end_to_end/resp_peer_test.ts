/**
 * The RESP door beside a real server: the same bytes to both, and the same bytes back. It needs
 * valkey-server or redis-server; where KG_NEED_RESP_SERVER is set, as in CI, it fails without.
 */

import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { request, script, type Step, VIOLATIONS } from "../doors/resp_script.ts";
import { freePort, freshEnvironment, startServer } from "./programs.ts";
import { StreamClient } from "./stream_client.ts";

const SEED = 20_261_121;
const RANDOM_STEPS = 600;
const START_TIMEOUT_MS = 30_000;
/** Marks the end of a step's replies, since no reply looks like it. */
const SENTINEL = "--that was all--";
const END = `$${SENTINEL.length}\r\n${SENTINEL}\r\n`;

const peer = ["valkey-server", "redis-server"].find((program) =>
  spawnSync(program, ["--version"]).status === 0
);

test("a real server is here to compare with, where one must be", () => {
  assert(peer !== undefined || !process.env.KG_NEED_RESP_SERVER, "install valkey or redis-server");
});

for (const protocol of ["2", "3"]) {
  test(`a thousand commands are answered as a real server answers, in RESP${protocol}`, {
    skip: peer === undefined,
  }, () => compare(protocol));
}

async function compare(protocol: string): Promise<void> {
  const servers = await startBoth();
  try {
    const steps = script(SEED, RANDOM_STEPS);
    const [theirs, ours] = await Promise.all(
      servers.places.map((place) => play(place, steps, protocol)),
    );
    const differing = steps.flatMap(({ bytes }, i) =>
      ours[i] === theirs[i]
        ? []
        : { to: bytes.toString("latin1"), ours: ours[i], theirs: theirs[i] }
    );
    assertEquals(differing, []);
  } finally {
    await servers.stop();
  }
}

test("a client that violates the protocol gets a real server's error", {
  skip: peer === undefined,
}, async () => {
  const servers = await startBoth();
  try {
    for (const violation of VIOLATIONS) {
      const [theirs, ours] = await Promise.all(
        servers.places.map((place) => violate(place, violation)),
      );
      assertEquals(ours, theirs, `to ${JSON.stringify(violation.slice(0, 100))}`);
    }
  } finally {
    await servers.stop();
  }
});

async function play(
  place: string,
  steps: readonly Step[],
  protocol: string,
): Promise<string[]> {
  const client = await StreamClient.open(place);
  const answers: string[] = [];
  // Its reply has numbers of the server's own.
  await client.ask(Buffer.concat([request("HELLO", protocol), request("ECHO", SENTINEL)]), END);
  for (const { bytes, waitMs = 0 } of steps) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const answer = await client.ask(Buffer.concat([bytes, request("ECHO", SENTINEL)]), END);
    answers.push(answer.toString("latin1"));
  }
  client.close();
  return answers;
}

async function violate(place: string, violation: string): Promise<string> {
  const client = await StreamClient.open(place);
  client.socket.write(violation, "latin1");
  return (await client.rest()).toString("latin1");
}

async function startBoth() {
  assert(peer !== undefined);
  const port = await freePort();
  const theirs = spawn(peer, [
    ...["--port", String(port), "--save", "", "--appendonly", "no", "--databases", "1"],
    ...["--proto-max-bulk-len", "1mb"],
  ], { stdio: "ignore" });
  const ours = await startServer(freshEnvironment(), ["--resp", "127.0.0.1:0"]);
  const places = [`127.0.0.1:${port}`, ...ours.doors("resp")];
  await answers(places[0]);
  const stop = async () => {
    theirs.kill("SIGKILL");
    await ours.stop("SIGKILL");
  };
  return { places, stop };
}

async function answers(place: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      (await StreamClient.open(place)).close();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
