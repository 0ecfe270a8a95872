/** The example for Lambda: it type-checks as its users' code does, and its bundle runs on Node. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort, freshEnvironment, type RunningServer, startServer } from "./programs.ts";

const isBun = "Bun" in globalThis;
const hasNode = spawnSync("node", ["--version"]).status === 0;
const skip = !isBun || !hasNode;
const SECRET_ID = "prod/kilogram key";
const TOKEN = "a session's token";

/** Calls the handler as Lambda does, for one address and some paths; prints what it returns. */
const CALLER = `
const { handler } = await import("./handler.mjs");
const responses = [];
for (const rawPath of process.argv.slice(2)) {
  responses.push(await handler({ rawPath, requestContext: { http: { sourceIp: "10.0.0.7" } } }));
}
console.log(JSON.stringify(responses));
`;

const env = freshEnvironment();
const folder = mkdtempSync(join(tmpdir(), "kilogram-lambda-"));
let server: RunningServer;

before(async () => {
  if (skip) return;
  server = await startServer(env);
  assert(existsSync("dist/mod.js"), "dist/mod.js is missing: npm run build");
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(process.cwd(), join(folder, "node_modules", "kilogram"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "caller.mjs"), CALLER);
  copyFileSync("examples/lambda/handler.ts", join(folder, "handler.ts"));
});
after(async () => {
  await server?.stop("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Runs the bundled handler for some paths in a new process. */
async function call(variables: NodeJS.ProcessEnv, paths: readonly string[]) {
  const { PATH } = env;
  const child = spawn("node", ["caller.mjs", ...paths], {
    cwd: folder,
    env: { PATH, ...variables },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => void (stdout += chunk));
  child.stderr.on("data", (chunk) => void (stderr += chunk));
  const [status] = await once(child, "close");
  assertEquals(status, 0, stderr);
  return { responses: JSON.parse(stdout) as { statusCode: number; body: string }[], stderr };
}

test("the handler type-checks, and is bundled into one file", { skip }, () => {
  const strict = ["--noEmit", "--strict", "--target", "ES2022", "--module", "NodeNext"];
  const types = ["--types", "node", "--typeRoots", join(process.cwd(), "node_modules/@types")];
  const tsc = join(process.cwd(), "node_modules/.bin/tsc");
  const checked = spawnSync(tsc, [...strict, ...types, "handler.ts"], { cwd: folder });
  assertEquals([checked.status, checked.stdout.toString()], [0, ""]);
  const operating = readFileSync("docs/OPERATING.md", "utf8");
  const command = /^npx --yes bun@\S+ (build handler.ts .*)$/m.exec(operating)?.[1] ?? "";
  const bundle = command.split(" ");
  assertEquals(spawnSync(process.execPath, bundle, { cwd: folder }).status, 0);
});

test("the handler keeps a page for all, and limits an address", { skip }, async () => {
  const variables = { KG_SERVER: server.addresses[0], KG_KEY: env.KG_KEY };
  const { responses } = await call(variables, ["/a", "/a", "/b"]);
  assertEquals(responses.map(({ statusCode }) => statusCode), [200, 200, 200]);
  assertEquals(responses[0], responses[1]);
  const again = await call(variables, ["/a", ...new Array(100).fill("/c")]);
  assertEquals(again.responses[0], responses[0], "another environment has the same page");
  assertEquals(again.responses.at(-1)?.statusCode, 429);
  assertEquals(again.stderr, "");
});

test("the handler takes the key from a secret", { skip }, async () => {
  const asked: unknown[] = [];
  const extension = createServer((request, response) => {
    asked.push(request.url, request.headers["x-aws-parameters-secrets-token"]);
    response.end(JSON.stringify({ SecretString: env.KG_KEY }));
  });
  await new Promise<void>((resolve) => extension.listen(0, "localhost", resolve));
  const { stderr } = await call({
    KG_SERVER: server.addresses[0],
    KG_KEY_SECRET: SECRET_ID,
    AWS_SESSION_TOKEN: TOKEN,
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: `${(extension.address() as AddressInfo).port}`,
  }, ["/a"]);
  extension.close();
  assertEquals(stderr, "");
  assertEquals(asked, ["/secretsmanager/get?secretId=prod%2Fkilogram%20key", TOKEN]);
});

test("the handler answers without a server, too", { skip }, async () => {
  const KG_SERVER = `127.0.0.1:${await freePort()}`;
  const { responses, stderr } = await call({ KG_SERVER, KG_KEY: env.KG_KEY }, ["/a"]);
  assertEquals(responses[0].statusCode, 200);
  assertMatch(stderr, /^without Kilogram: /);
});
