import { test } from "node:test";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { Glob, literalPrefixOf } from "../../src/doors/resp/glob.ts";

const matchesGlob = (pattern: string, text: string) => new Glob(pattern).matches(text);

test("each part of a pattern matches what it should, and nothing else", () => {
  const cases: readonly (readonly [pattern: string, matching: string[], others: string[]])[] = [
    ["", [""], ["a"]],
    ["*", ["", "a", "abc"], []],
    ["a*", ["a", "ab", "aXYZ"], ["", "b", "ba"]],
    ["*a", ["a", "ba"], ["", "ab"]],
    ["a*b*c", ["abc", "aXbYc", "abbcc"], ["ab", "acb", "abcd"]],
    ["a?c", ["abc", "a?c"], ["ac", "abbc"]],
    ["[abc]", ["a", "b", "c"], ["d", "", "ab"]],
    ["[a-c]x", ["ax", "cx"], ["dx", "-x"]],
    ["[c-a]", ["a", "b", "c"], ["d"]],
    ["[^a-c]", ["d", "^"], ["a", "b", ""]],
    ["[a^]", ["a", "^"], ["b"]],
    ["\\*", ["*"], ["\\*", "a"]],
    ["a\\", ["a\\"], ["a"]],
    ["[\\]]", ["]"], ["\\"]],
    ["[a\\]b]*", ["a:1", "]", "b]"], ["c", "\\"]],
    ["[^a\\]b]*", ["A", "\xe9"], ["a:1", "]", "b"]],
    ["[A-\xff]", ["A", "\xff", "\x00"], ["a", "B"]],
    ["[ab", ["a", "b"], ["[ab", "c"]],
  ];
  for (const [pattern, matching, others] of cases) {
    for (const text of matching) {
      assertEquals(matchesGlob(pattern, text), true, `${pattern} ${text}`);
    }
    for (const text of others) {
      assertEquals(matchesGlob(pattern, text), false, `${pattern} ${text}`);
    }
  }
});

test("stars and question marks match as the regular expressions that they stand for", () => {
  const pattern = fc.array(fc.constantFrom("a", "b", "*", "?"), { maxLength: 8 });
  const text = fc.array(fc.constantFrom("a", "b"), { maxLength: 10 });
  fc.assert(fc.property(pattern, text, (parts, letters) => {
    const expression = parts.join("").replaceAll("?", ".").replaceAll("*", ".*");
    const isMatch = new RegExp(`^${expression}$`).test(letters.join(""));
    assertEquals(matchesGlob(parts.join(""), letters.join("")), isMatch);
  }));
});

test("a pattern compares a bounded number of characters, and says how many", () => {
  for (
    const pattern of [`${"a*".repeat(500)}b`, `${"*".repeat(1_000)}x`, `*[${"b".repeat(1_000)}]x`]
  ) {
    const glob = new Glob(pattern);
    assertEquals(glob.matches("a".repeat(1_024)), false);
    assert(
      glob.looks > 0 && glob.looks < 4 * 1_024,
      `${glob.looks} looks at ${pattern.slice(0, 9)}`,
    );
  }
});

test("every match begins with the literal prefix", () => {
  const prefixes = ["user:*", "user:[12]", "a\\*", "*x", "plain"].map(literalPrefixOf);
  assertEquals(prefixes, ["user:", "user:", "a", "", "plain"]);
});
