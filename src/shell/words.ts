/** A line as words, quoted as in a POSIX shell, without its expansions. */

export interface Words {
  readonly words: readonly string[];
  /** Where the last word begins, in characters; the line's length if there is none yet. */
  readonly lastAt: number;
  /** The quote that is open at the end; "" for none. */
  readonly open: string;
}

/** What a backslash escapes within double quotes. */
const IN_QUOTES = new Set(['"', "\\", "$", "`"]);

/** Splits a line. A # at the beginning of a word begins a comment. */
export function wordsOf(line: string): Words {
  const words: string[] = [];
  let word = "";
  let isWord = false;
  let [lastAt, open] = [line.length, ""];
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (!isWord && /\s/.test(char)) continue;
    if (!isWord) {
      if (char === "#") return { words, lastAt: line.length, open: "" };
      [isWord, lastAt, word] = [true, i, ""];
    }
    if (open === "" && /\s/.test(char)) {
      words.push(word);
      [isWord, lastAt] = [false, line.length];
    } else if (open === "" && (char === "'" || char === '"')) {
      open = char;
    } else if (char === open) {
      open = "";
    } else if (char === "\\" && open !== "'" && i + 1 < line.length) {
      const next = line[++i];
      word += open === '"' && !IN_QUOTES.has(next) ? `\\${next}` : next;
    } else {
      word += char;
    }
  }
  if (isWord) words.push(word);
  return { words, lastAt, open };
}

/** A word as it must be typed: quoted if it has anything but letters, digits and harmless signs. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
