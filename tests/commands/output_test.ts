import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { escapeControls, jsonText, shownLine, shownValue } from "../../src/commands/output.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a terminal is shown a value's lines, and none of its control sequences", () => {
  assertEquals(shownValue(bytes("a\tb\nc é 🙂")), "a\tb\nc é 🙂");
  const title = "\x1b]0;title\x07\r\x1b[2J\x9b31m";
  assertEquals(shownValue(bytes(title)), "\\x1b]0;title\\x07\\x0d\\x1b[2J\\x9b31m");
});

test("a terminal is shown the bytes of what is not UTF-8", () => {
  assertEquals(shownValue(Uint8Array.of(0x61, 0xff, 0x0a, 0x1b, 0xc3)), "a\\xff\n\\x1b\\xc3");
});

test("in one line, its line ends are escaped too", () => {
  assertEquals(shownLine(bytes("a\nb\t\x1b")), "a\\x0ab\\x09\\x1b");
  assertEquals(shownLine(Uint8Array.of(0xff, 0x0a)), "\\xff\\x0a");
});

test("a text of one line has no line ends left", () => {
  assertEquals(escapeControls("a\nb\x7f"), "a\\x0ab\\x7f");
});

test("JSON has no control characters as they are, and stays JSON", () => {
  const value = { text: "\u001b[31m \u009b31m \u0085\u007f\n" };
  const text = jsonText(value);
  assertEquals(text, String.raw`{"text":"\u001b[31m \u009b31m \u0085\u007f\n"}`);
  assertEquals(JSON.parse(text), value);
});
