/**
 * The words of a request typed by hand: separated by blanks, or in quotes, which end a word.
 * Source: what a Redis server accepts as an inline command.
 */

const BLANKS = /[ \t\n\v\f\r]*/y;
const PLAIN = /[^ \t\n\r"']+/y;
/** In double quotes a backslash escapes any character; in single quotes only a quote. */
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

/** @param line one character a byte @returns null if a quote does not end, or ends no word */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  // As in C, a NUL ends the text.
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
