/** What was probably meant by a name that does not exist. */

/** The most letters that may be changed, added or removed. */
const MOST_CHANGES = 2;

/** The name that is nearest to what was typed; undefined if none is near. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const most = Math.min(MOST_CHANGES, typed.length - 1);
  const near = names
    .map((name) => ({ name, changes: distance(name, typed) }))
    .filter(({ changes }) => changes <= most)
    .sort((a, b) => a.changes - b.changes);
  return near[0]?.name;
}

/** How many letters must be changed, added or removed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
