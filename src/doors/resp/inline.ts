/**
 * The words of a request that was typed by hand: apart by blanks, or in quotes, which end a word.
 * Source: what a Redis server takes as an inline command.
 */

const BLANKS = /[ \t\n\v\f\r]*/y;
const PLAIN = /[^ \t\n\r"']+/y;
/** A backslash in double quotes makes a character of what follows; in single ones only a quote. */
const DOUBLE_QUOTED = /"([^"\\]*(?:\\[^][^"\\]*)*)"(?![^ \t\n\v\f\r])/y;
const SINGLE_QUOTED = /'([^'\\]*(?:\\(?:'|(?!'))[^'\\]*)*)'(?![^ \t\n\v\f\r])/y;

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([^]))/g;
const ESCAPED: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  a: "\u0007",
};

/** @param line one character for each byte @returns null if a quote does not end, or not a word */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  // As in C, a NUL is the end.
  const text = line.split("\0", 1)[0];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  for (match(BLANKS); at < text.length; match(BLANKS)) {
    let word = match(PLAIN)?.[0] ?? "";
    if (text[at] === '"' || text[at] === "'") {
      const double = match(DOUBLE_QUOTED)?.[1];
      const quoted = double?.replace(ESCAPE, unescape) ??
        match(SINGLE_QUOTED)?.[1].replaceAll("\\'", "'");
      if (quoted === undefined) return null;
      word += quoted;
    }
    words.push(word);
  }
  return words;
}

function unescape(_: string, hex: string | undefined, character: string): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  return ESCAPED[character] ?? character;
}
