/** unstorage with its driver for Redis, which is on ioredis. */

import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { left, sorted } from "./stable.mjs";
import { finish, step } from "./steps.mjs";

const options = { host: "127.0.0.1", port: Number(process.argv[2]) };
const driver = redisDriver({ base: "app", ...options });
const storage = createStorage({ driver });
const everything = createStorage({ driver: redisDriver(options) });

await step(() => everything.clear());
for (const part of [items, many, meta, times, keys, ends]) await part();
finish();

async function items() {
  await step(() => storage.hasItem("user:1"));
  await step(() => storage.getItem("user:1"));
  await step(() => storage.setItem("user:1", { name: "Zoë", roles: ["admin"] }));
  await step(() => storage.hasItem("user:1"));
  await step(() => storage.getItem("user:1"));
  await step(() => everything.getItem("app:user:1"));
  await step(() => storage.setItem("count", 42));
  await step(() => storage.getItem("count"));
  await step(() => storage.setItem("empty", ""));
  await step(() => storage.getItem("empty"));
  await step(() => storage.setItemRaw("raw", new Uint8Array([0, 13, 10, 255])));
  await step(() => storage.getItemRaw("raw"));
  await step(() => storage.removeItem("count"));
  await step(() => storage.getItem("count"));
  await step(() => storage.removeItem("count"));
  await step(() => storage.setItem("raw", null));
  await step(() => storage.hasItem("raw"));
}

async function many() {
  const hundred = Array.from({ length: 100 }, (_, i) => ({ key: `page:${i}`, value: { i } }));
  await step(() => storage.setItems(hundred));
  await step(() => storage.getItems(["page:1", "missing", "page:99"]));
}

async function meta() {
  await step(() => storage.setMeta("user:1", { editor: "ada" }));
  await step(() => storage.getMeta("user:1"));
  await step(() => storage.removeMeta("user:1"));
  await step(() => storage.getMeta("user:1"));
}

async function times() {
  await step(() => storage.setItem("brief", "v", { ttl: 100 }));
  await step(async () => left(await driver.getInstance().ttl("app:brief"), 100));
}

async function keys() {
  await step(() => everything.setItem("apple", "not in app"));
  await step(() => storage.setItem("glob[a]*:1", "v"));
  await step(async () => (await storage.getKeys()).length);
  await step(async () => sorted(await storage.getKeys("user")));
  await step(async () => sorted(await storage.getKeys("glob[a]*")));
  await step(async () => sorted(await storage.keys("page:1")));
  await step(() => driver.clear("page"));
  await step(async () => sorted(await storage.getKeys()));
  await step(() => storage.clear());
  await step(() => storage.getKeys());
  await step(async () => sorted(await everything.getKeys()));
  await step(() => everything.clear());
  await step(() => everything.getKeys());
}

async function ends() {
  await step(() => storage.dispose());
  await step(() => everything.dispose());
}
