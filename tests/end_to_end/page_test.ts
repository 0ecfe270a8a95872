/**
 * The page in a real browser, Chromium: what it shows, how soon, and to whom it is accessible. The page
 * is the same on every runtime, so one of them is enough.
 */

import { test } from "node:test";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { freshEnvironment, importLibrary, startServer } from "./programs.ts";

const CHROMIUM = "/usr/bin/chromium";
const isNeeded = Boolean(process.env.KG_NEED_TOOLS);
const skip = "Bun" in globalThis && (existsSync(CHROMIUM) || isNeeded) ? false : "Chromium, on Bun";

/** It must reach nothing but the server. */
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** How long the page may take on a slow machine; the times that are claimed are measured elsewhere. */
const PATIENCE_MS = 30_000;

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Evaluates by the debugger, which no content policy stops. */
async function evaluate(page: Page, expression: string): Promise<unknown> {
  const session = await page.context().newCDPSession(page);
  const options = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", options);
  await session.detach();
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
  return result.value;
}

/** What axe-core finds. */
async function violationsOf(page: Page): Promise<string[]> {
  const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await evaluate(page, readFileSync(path, "utf8"));
  const { violations } = await evaluate(page, "axe.run()") as { violations: Violation[] };
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

test(
  "the page shows what happens within a second, to everybody, and asks nobody else",
  { skip },
  async () => {
    const env = freshEnvironment();
    const server = await startServer(env, ["--http", "127.0.0.1:0", "--name", "cache-1"]);
    const [, place = ""] = /http at (\S+)/.exec(server.output()) ?? [];
    let isStopped = false;
    const stop = async () => {
      if (!isStopped) await server.stop();
      isStopped = true;
    };
    const { connect } = await importLibrary();
    const client = await connect(`cache-1=${server.addresses[0]}`, { key: env.KG_KEY ?? "" });
    const kv = client.within(5_000);
    const { chromium } = await import("playwright-core");
    const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const problems: string[] = [];
      const asked: string[] = [];
      let bytes = 0;
      const page = await browser.newPage();
      page.on("console", (message) => problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(String(error)));
      page.on("request", (request) => asked.push(request.url()));
      page.on("response", (response) => {
        void response.body().then(({ length }) => bytes += length, () => {});
      });
      await page.goto(`http://${place}/`);
      await until("the title", async () => await page.title() === "kg cache-1");
      await page.waitForTimeout(1_500);
      assert(bytes > 5_000 && bytes < 50 * 1_024, `${bytes} bytes`);
      await kv.set("secret:1", "value");
      await until("the key", async () => await page.textContent("[data-now=Keys]") === "1");
      // Again and again: what is shown is the last second.
      await until("the hit ratio", async () => {
        for (let i = 0; i < 20; i++) await kv.get("secret:1");
        return await page.textContent("[data-now='Hit ratio']") === "100.0 %";
      });
      await until("a line", async () => {
        return (await page.getAttribute("#requests path", "d") ?? "").length > 20;
      });
      assertMatch(await page.textContent("#facts") ?? "", /^version \S+ on bun \S+, .+, up \d+ s$/);
      assert(!(await page.content()).includes("secret"), "a key is shown");

      // By keyboard: a moment is chosen, and told.
      await page.focus("#requests");
      await page.keyboard.press("Home");
      assertMatch(
        await page.textContent("#requests-text") ?? "",
        /^\d\d:\d\d:\d\d: reads .+, writes /,
      );
      assertMatch(await page.getAttribute("#requests", "aria-valuetext") ?? "", /reads /);
      await page.keyboard.press("Escape");
      assertEquals(await page.textContent("#requests-text"), "");
      await page.click("#pause");
      assertEquals(await page.getAttribute("#pause", "aria-pressed"), "true");
      await page.click("#pause");

      for (const colorScheme of ["light", "dark"] as const) {
        for (const width of [1_200, 360]) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 900 });
          await page.waitForTimeout(200);
          assertEquals(await violationsOf(page), [], `${colorScheme}, ${width}`);
          const overflow = await evaluate(
            page,
            "document.documentElement.scrollWidth > innerWidth",
          );
          assertEquals(overflow, false, `${colorScheme}, ${width}: wider than the screen`);
        }
      }
      assertEquals(problems, []);
      for (const url of asked) assert(url.startsWith(`http://${place}/`) || url === "data:,", url);

      // The server goes, and the page says so.
      client.close();
      await stop();
      await until("the end", async () => {
        return (await page.textContent("#problem") ?? "").includes("does not answer");
      });
    } finally {
      client.close();
      await browser.close();
      await stop();
    }
  },
);
