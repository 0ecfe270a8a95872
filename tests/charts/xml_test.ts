import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { escapeXml } from "../../src/charts/xml.ts";

test("text is escaped, and control characters that XML does not take are replaced", () => {
  assertEquals(escapeXml(`<a b="&">\n`), "&lt;a b=&quot;&amp;&quot;&gt;\n");
  assertEquals(escapeXml("\u001b[31m\u0007\u0085\r"), "\ufffd[31m\ufffd\ufffd\ufffd");
});
