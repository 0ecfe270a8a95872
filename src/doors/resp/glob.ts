/**
 * Patterns of KEYS and SCAN: * for any run, ? for any character, [a-z] and [^a-z] for one of some, and \\
 * before a character that means itself. One star is tried again at a time, so the time is at most the
 * product of both lengths, whatever the pattern.
 * Source: what a Redis server matches (stringmatchlen).
 */

/** The longest pattern: as long as a key. */
export const MAX_PATTERN_BYTES = 1_024;
export const PATTERN_TOO_LONG = `ERR a pattern has at most ${MAX_PATTERN_BYTES} bytes`;

/** Elements that are not the code of a character: a run, any character, and from here down the classes. */
const [RUN, ANY, FIRST_CLASS] = [-1, -2, -3];
const CODES = 256;

export class Glob {
  /** How often a character was compared so far. */
  looks = 0;
  readonly #elements: number[] = [];
  /** By class and code: whether it is one of the class. */
  readonly #classes: Uint8Array[] = [];

  /** @param pattern one character for each byte, at most MAX_PATTERN_BYTES */
  constructor(pattern: string) {
    for (let at = 0; at < pattern.length;) at = this.#readElement(pattern, at);
  }

  /** @param text one character for each byte */
  matches(text: string): boolean {
    const elements = this.#elements;
    let [e, t] = [0, 0];
    /** Behind the last star, and where its run ends in the text. */
    let [behindRun, runEnd] = [-1, 0];
    while (t < text.length || e < elements.length) {
      this.looks++;
      if (elements[e] === RUN) {
        behindRun = ++e;
        runEnd = t;
      } else if (e < elements.length && t < text.length && this.#fits(elements[e], text, t)) {
        e++;
        t++;
      } else if (behindRun >= 0 && runEnd < text.length) {
        e = behindRun;
        t = ++runEnd;
      } else return false;
    }
    return true;
  }

  #fits(element: number, text: string, at: number): boolean {
    const code = text.charCodeAt(at);
    if (element >= 0) return code === element;
    return element === ANY || this.#classes[FIRST_CLASS - element][code] === 1;
  }

  /** @returns where the next element begins */
  #readElement(pattern: string, at: number): number {
    const isEscape = pattern[at] === "\\" && at + 1 < pattern.length;
    if (pattern[at] === "[") return this.#readClass(pattern, at + 1);
    if (pattern[at] === "?") this.#elements.push(ANY);
    else if (pattern[at] !== "*") this.#elements.push(pattern.charCodeAt(isEscape ? at + 1 : at));
    else if (this.#elements.at(-1) !== RUN) this.#elements.push(RUN);
    return isEscape ? at + 2 : at + 1;
  }

  #readClass(pattern: string, start: number): number {
    const isNegated = pattern[start] === "^";
    const members = new Uint8Array(CODES);
    let at = isNegated ? start + 1 : start;
    // One that does not end, ends with the pattern.
    for (; at < pattern.length && pattern[at] !== "]"; at++) {
      if (pattern[at] === "\\" && at + 1 < pattern.length) {
        members[pattern.charCodeAt(++at)] = 1;
      } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
        addRange(members, pattern.charCodeAt(at), pattern.charCodeAt(at + 2));
        at += 2;
      } else members[pattern.charCodeAt(at)] = 1;
    }
    this.#elements.push(FIRST_CLASS - this.#classes.length);
    this.#classes.push(isNegated ? members.map((isIn) => 1 - isIn) : members);
    return at + 1;
  }
}

/** The characters that every match begins with. */
export function literalPrefixOf(pattern: string): string {
  return /^[^*?[\\]*/.exec(pattern)?.[0] ?? "";
}

/** Bytes are compared as signed ones, as C does on most machines. */
function addRange(members: Uint8Array, a: number, b: number): void {
  const [first, second] = [a, b].map((code) => (code << 24) >> 24);
  const last = Math.max(first, second);
  for (let code = Math.min(first, second); code <= last; code++) members[code & 0xff] = 1;
}
