/** Values as JSON that tells apart what clients tell apart: null and undefined, text and bytes. */

export function plain(value) {
  if (value === undefined) return "(undefined)";
  if (typeof value === "bigint") return `(bigint ${value})`;
  if (value instanceof Error) return plainError(value);
  if (value instanceof Uint8Array) return `(bytes ${Buffer.from(value).toString("latin1")})`;
  if (value instanceof Map) return { map: [...value].map(plain) };
  if (value instanceof Set) return { set: [...value].map(plain) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

/** The classes are part of what a program sees, and of several errors each of them. */
function plainError(error) {
  const text = [error.constructor.name, error.code, error.message].filter(Boolean).join(": ");
  const parts = [error.errors, error.replies, error.previousErrors].find(Array.isArray);
  return parts === undefined ? text : [text, ...parts.map(plain)];
}
