/** connect-redis with express-session on node-redis: its own methods, and an application over HTTP. */

import { once } from "node:events";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { left, sorted } from "./stable.mjs";
import { finish, opening, step } from "./steps.mjs";

const MINUTE_MS = 60_000;

const client = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` }).on("error", () => {});
await opening(() => client.connect().then(() => client.isReady));
await step(() => client.flushDb());
const store = new RedisStore({ client });
await methods();
await application();
await step(() => client.close());
finish();

async function methods() {
  const ada = { user: "Ada", cookie: { originalMaxAge: null } };
  const soon = () => new Date(Date.now() + MINUTE_MS).toISOString();
  await step(() => store.get("1"));
  await step(() => store.set("1", ada));
  await step(() => store.get("1"));
  await step(async () => left(await client.ttl("sess:1"), 86_400));
  await step(() => store.set("2", { ...ada, cookie: { expires: soon() } }));
  await step(async () => left(await client.ttl("sess:2"), 60));
  await step(() => store.touch("2", ada));
  await step(async () => left(await client.ttl("sess:2"), 86_400));
  await step(() => store.set("3", { ...ada, cookie: { expires: new Date(0).toISOString() } }));
  await step(() => store.get("3"));
  for (let i = 0; i < 30; i++) await store.set(`many:${i}`, ada);
  await step(() => client.set("another", "key"));
  await step(() => store.length());
  await step(async () => sorted(await store.ids()));
  await step(async () => sorted((await store.all()).map(({ id, user }) => `${id} ${user}`)));
  await step(() => store.destroy("1"));
  await step(() => store.get("1"));
  await step(() => store.clear());
  await step(() => store.length());
  await step(() => store.all());
  await step(() => store.clear());
  await step(() => client.get("another"));
  await step(() => new Promise((resolve) => store.get("1", (...told) => resolve(told))));
}

async function application() {
  let [server, origin] = await listening();
  const browser = { cookie: "" };
  await step(() => visit(browser, `${origin}/`));
  await step(() => visit(browser, `${origin}/login?user=ada`));
  await step(() => visit(browser, `${origin}/`));
  await step(() => visit({ cookie: "" }, `${origin}/`));
  await step(() => store.length());
  server.close();
  // Sessions outlive the application, which is why they are kept elsewhere.
  [server, origin] = await listening();
  await step(() => visit(browser, `${origin}/`));
  const [key] = await client.keys("sess:*");
  await step(() => client.expire(key, 10));
  await step(() => visit(browser, `${origin}/`));
  await step(async () => left(await client.ttl(key), MINUTE_MS / 1_000));
  await step(() => visit(browser, `${origin}/logout`));
  await step(() => visit(browser, `${origin}/`));
  await step(() => store.length());
  server.close();
}

async function listening() {
  const app = express();
  const cookie = { maxAge: MINUTE_MS };
  app.use(
    session({ store, secret: "secret", resave: false, saveUninitialized: false, cookie }),
  );
  app.get("/", (request, response) => {
    const { user } = request.session;
    if (user !== undefined) request.session.visits = (request.session.visits ?? 0) + 1;
    response.json({ user, visits: request.session.visits });
  });
  app.get("/login", (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) return next(error);
      request.session.user = request.query.user;
      response.json("welcome");
    });
  });
  app.get("/logout", (request, response, next) => {
    request.session.destroy((error) => error ? next(error) : response.json("goodbye"));
  });
  app.use((error, _request, response, _next) => response.status(500).json(error.message));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return [server, `http://127.0.0.1:${server.address().port}`];
}

/** Asks as a browser does, which keeps the cookie. */
async function visit(browser, url) {
  const response = await fetch(url, { headers: { cookie: browser.cookie, connection: "close" } });
  const [cookie] = response.headers.getSetCookie();
  if (cookie !== undefined) browser.cookie = cookie.split(";", 1)[0];
  return [response.status, await response.json(), cookie === undefined ? "" : "a cookie"];
}
