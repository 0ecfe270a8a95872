/** Keys for people to read. */

/** Longer ones are cut: a message is a line. */
const MAX_CHARACTERS = 100;
/** What would leave the line, or hide: controls, marks of direction, separators, what is unassigned. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}"\\]/gu;
const NOT_ASCII = /[^ -~]|["\\]/g;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A key as it stands between quotation marks: as it is if it is UTF-8, with `\u{a}` for control characters and
 * the like, otherwise with `\xff` for each byte beyond ASCII; cut after 100 characters.
 */
export function keyText(key: string | Uint8Array): string {
  const text = typeof key === "string" ? escapeText(key) : escapeBytes(key);
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`;
}

function escapeText(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (char) =>
      char === '"' || char === "\\" ? `\\${char}` : `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}

function escapeBytes(bytes: Uint8Array): string {
  try {
    return escapeText(strict.decode(bytes));
  } catch {
    return String.fromCharCode(...bytes).replace(
      NOT_ASCII,
      (char) =>
        char === '"' || char === "\\"
          ? `\\${char}`
          : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  }
}
