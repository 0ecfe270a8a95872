/** Throws when something that must hold by construction does not: a bug here, never bad input. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new Error(`Kilogram is broken: ${claim} does not hold. Please report it.`);
}
