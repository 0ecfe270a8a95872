/**
 * Patterns of KEYS and SCAN: * for any run, ? for any character, [a-z] and [^a-z] for one of some, and \\
 * before a character that means itself. One star is tried again at a time, so the time is at most the
 * product of both lengths, whatever the pattern.
 * Source: what a Redis server matches (stringmatchlen).
 */

/** @param text one character for each byte, as the pattern */
export function matchesGlob(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  /** Behind the last star, and where its run ends in the text. */
  let [behindStar, runEnd] = [-1, 0];
  while (t < text.length || p < pattern.length) {
    if (pattern[p] === "*") {
      behindStar = ++p;
      runEnd = t;
      continue;
    }
    const next = t < text.length ? matchOne(pattern, p, text[t]) : 0;
    if (next > 0) {
      p = next;
      t++;
    } else if (behindStar >= 0 && runEnd < text.length) {
      p = behindStar;
      t = ++runEnd;
    } else return false;
  }
  return true;
}

/** The characters that every match begins with. */
export function literalPrefixOf(pattern: string): string {
  return /^[^*?[\\]*/.exec(pattern)?.[0] ?? "";
}

/** Where the pattern goes on behind what matches a character; 0 if nothing does. */
function matchOne(pattern: string, at: number, character: string): number {
  switch (pattern[at]) {
    case undefined:
      return 0;
    case "?":
      return at + 1;
    case "[":
      return matchClass(pattern, at + 1, character);
    case "\\":
      if (at + 1 < pattern.length) return pattern[at + 1] === character ? at + 2 : 0;
  }
  return pattern[at] === character ? at + 1 : 0;
}

function matchClass(pattern: string, start: number, character: string): number {
  const isNegated = pattern[start] === "^";
  let at = isNegated ? start + 1 : start;
  let isIn = false;
  // One that does not end, ends with the pattern.
  for (; at < pattern.length && pattern[at] !== "]"; at++) {
    if (pattern[at] === "\\" && at + 1 < pattern.length) {
      at++;
      isIn ||= pattern[at] === character;
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
      isIn ||= isBetween(character, pattern[at], pattern[at + 2]);
      at += 2;
    } else isIn ||= pattern[at] === character;
  }
  return isIn !== isNegated ? at + 1 : 0;
}

/** Bytes are compared as signed ones, as C does on most machines. */
function isBetween(character: string, a: string, b: string): boolean {
  const [first, second, code] = [a, b, character].map((one) => (one.charCodeAt(0) << 24) >> 24);
  return code >= Math.min(first, second) && code <= Math.max(first, second);
}
