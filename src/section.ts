/** A section of STATS: lines of a name and a value, made on request. */

export type Line = readonly [name: string, value: string | number];

export type Section = () => Line[];

const encoder = new TextEncoder();

/** The lines as text, each `name value` and LF: as many whole lines as fit `maxBytes`. */
export function encodeLines(lines: readonly Line[], maxBytes: number): Uint8Array {
  let text = "";
  for (const [name, value] of lines) {
    const longer = `${text}${name} ${value}\n`;
    if (encoder.encode(longer).length > maxBytes) break;
    text = longer;
  }
  return encoder.encode(text);
}
