/**
 * Text within XML or HTML, also within an attribute in double quotes. Control characters, of which XML has
 * few and shows none, become U+FFFD.
 */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]|\p{Cc}/gu, (char) => ENTITIES[char] ?? "\ufffd");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "\n",
  "\t": "\t",
};
