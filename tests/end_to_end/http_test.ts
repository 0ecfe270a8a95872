/** The door for HTTP of a real server: who is answered, and what others notice of its clients. */

import { test } from "node:test";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { mkdtempSync, statSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freshEnvironment, kg, type RunningServer, startServer } from "./programs.ts";

/** How long anything here may take on a slow machine. */
const PATIENCE_MS = 30_000;
/** Of a MiB each: far more than the system keeps for a connection. */
const MOST_PARTS = 200;

async function withHttp(
  args: readonly string[],
  run: (port: number, env: NodeJS.ProcessEnv, server: RunningServer) => Promise<void>,
): Promise<void> {
  const env = freshEnvironment();
  const server = await startServer(env, ["--http", "127.0.0.1:0", ...args]);
  env.KG_SERVER = server.addresses[0];
  const [, port = "0"] = /http at 127\.0\.0\.1:(\d+)/.exec(server.output()) ?? [];
  try {
    await run(Number(port), env, server);
  } finally {
    assertEquals(await server.stop(), 0);
  }
}

interface Got {
  readonly status: number;
  readonly body: string;
}

function get(
  where: { readonly port: number } | { readonly socketPath: string },
  path: string,
  { host = "127.0.0.1", method = "GET" } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, host: "127.0.0.1", path, method, headers: { host } });
    asked.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => body += chunk);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on("error", reject).setTimeout(PATIENCE_MS, () => asked.destroy()).end();
  });
}

test("metrics are what Prometheus takes, and count what happened", async () => {
  await withHttp([], async (port, env) => {
    kg(env, ["set", "color", "blue"]);
    kg(env, ["get", "color"]);
    const { body } = await get({ port }, "/metrics");
    assertMatch(body, /^kilogram_operations_total\{operation="get"\} 1$/m);
    assertMatch(body, /^kilogram_reads_total\{result="hit"\} 1$/m);
    assertMatch(body, /^kilogram_request_duration_seconds_count\{class="write"\} 1$/m);
    assertMatch(body, /^process_resident_memory_bytes \d{7,}$/m);
    const checked = spawnSync("promtool", ["check", "metrics"], { input: body });
    const isMissing = checked.error !== undefined && !process.env.KG_NEED_TOOLS;
    if (!isMissing) assertEquals([checked.status, String(checked.stderr)], [0, ""]);
    assertEquals((await get({ port }, "/healthz")).body, "ok\n");
    assertEquals((await get({ port }, "/readyz")).body, "ready\n");
  });
});

test("a foreign host is refused, unless its name is allowed; so is what is no GET", async () => {
  await withHttp(["--http-host", "cache-1.example"], async (port) => {
    const statusFor = async (host: string) => (await get({ port }, "/metrics", { host })).status;
    assertEquals(await statusFor("evil.example"), 421);
    assertEquals(await statusFor("cache-1.example"), 200);
    assertEquals(await statusFor(`localhost:${port}`), 200);
    assertEquals((await get({ port }, "/", { method: "POST" })).status, 405);
  });
});

test("a path instead of a port, for its owner alone", async () => {
  const socketPath = join(mkdtempSync(join(tmpdir(), "kg-")), "http.sock");
  await withHttp(["--http", `unix:${socketPath}`], async (_, __, server) => {
    assertMatch(
      server.output(),
      new RegExp(`figures, not encrypted: .*http at unix:${socketPath}`),
    );
    assertEquals((await get({ socketPath }, "/healthz")).status, 200);
    assertEquals(statSync(socketPath).mode & 0o777, 0o600);
  });
});

test("the network gets no figures without --plaintext-ok, and a port in use is one line", async () => {
  const env = freshEnvironment();
  const serve = (...args: string[]) => kg(env, ["serve", "--listen", "127.0.0.1:0", ...args]);
  const { stderr, status } = serve("--http", "0.0.0.0:0");
  assert(status !== 0);
  assertMatch(stderr, /--http 0.0.0.0:0 would let its figures cross the network unencrypted/);
  assertMatch(serve("--http-host", "x").stderr, /--http-host goes with --http/);
  for (const wrong of ["cache-1:9464", "http://cache-1", "cache-1.", ""]) {
    const { stderr, status } = serve("--http", "127.0.0.1:0", "--http-host", wrong);
    assertEquals(status, 2);
    assertMatch(stderr, /--http-host .*: a name alone, such as cache-1.example, without a port/);
  }
  await withHttp([], (port) => {
    const second = serve("--http", `127.0.0.1:${port}`);
    assert(second.status !== 0);
    assertMatch(second.stderr, /can't listen at --http 127.0.0.1:\d+: it is in use/);
    return Promise.resolve();
  });
});

/** A connection that sends something and never reads. */
function idle(port: number, text: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.pause().on("error", () => resolve(socket));
    socket.on("connect", () => {
      socket.write(text);
      resolve(socket);
    });
  });
}

test("a connection is for one answer: what else was asked for on it fills no memory", async () => {
  await withHttp([], async (port) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let got = "";
    socket.setEncoding("utf8").on("data", (text) => got += text).on("error", () => {});
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.write("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(50));
    await new Promise((resolve) => socket.on("close", resolve));
    assertEquals(got.split("HTTP/1.1 200 OK").length - 1, 1);
  });
});

test("a thousand connections and slow readers change nothing for others", async () => {
  await withHttp([], async (port, env) => {
    kg(env, ["set", "color", "blue"]);
    const slow = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(50);
    const sockets: Socket[] = [];
    try {
      for (let i = 0; i < 1_000; i++) {
        sockets.push(await idle(port, i % 2 === 0 ? slow : "GET / HT"));
      }
      assertEquals(kg(env, ["get", "color"]).text, "blue");
      const stats = JSON.parse(kg(env, ["stats", "process", "--json"]).text);
      const { residentBytes } = stats.process;
      assert(residentBytes < 400 * 2 ** 20, `${residentBytes} bytes`);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    // Once they have gone, or their time is over, there is room again.
    const deadline = Date.now() + PATIENCE_MS;
    let status = 0;
    while (status !== 200 && Date.now() < deadline) {
      status = await get({ port }, "/healthz").then((got) => got.status, () => 0);
    }
    assertEquals(status, 200);
  });
});

test("a body, which nobody reads, ends the connection instead of being taken without end", async () => {
  await withHttp([], async (port) => {
    for (const method of ["POST", "GET"]) {
      const head = `${method} / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const socket = await idle(port, head);
      const part = Buffer.from(`100000\r\n${"x".repeat(2 ** 20)}\r\n`);
      let parts = 0;
      const write = () => {
        while (!socket.destroyed && parts < MOST_PARTS && socket.write(part)) parts++;
        parts++;
      };
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("drain", write).resume();
      write();
      await closed;
      assert(parts < MOST_PARTS, `${method}: ${parts} MiB were taken`);
    }
  });
});
