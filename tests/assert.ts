/**
 * The functions of `@std/assert` that the tests use, on node:assert: deno.json and tsconfig.json
 * map the package's name to this file, so that the tests run where its registry can't be reached.
 */

import nodeAssert from "node:assert/strict";

// deno-lint-ignore no-explicit-any -- a class whose constructor takes anything
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export function assert(condition: unknown, message?: string): asserts condition {
  nodeAssert.ok(condition, message);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepEqual(actual, expected, message);
}

export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepEqual(actual, expected, message);
}

export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  nodeAssert.match(actual, expected, message);
}

export function assertStringIncludes(actual: string, expected: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    `${JSON.stringify(actual)} does not include ${JSON.stringify(expected)}`,
  );
}

export function assertThrows<E extends Error>(
  run: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes = "",
): E {
  try {
    run();
  } catch (error) {
    return checkError(error, errorClass, messageIncludes);
  }
  return nodeAssert.fail(`Expected ${errorClass.name} to be thrown`);
}

export async function assertRejects<E extends Error>(
  run: () => Promise<unknown>,
  errorClass: ErrorClass<E>,
  messageIncludes = "",
): Promise<E> {
  try {
    await run();
  } catch (error) {
    return checkError(error, errorClass, messageIncludes);
  }
  return nodeAssert.fail(`Expected a rejection with ${errorClass.name}`);
}

function checkError<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E>,
  messageIncludes: string,
): E {
  nodeAssert.ok(error instanceof errorClass, `Expected ${errorClass.name}, got ${String(error)}`);
  assertStringIncludes(error.message, messageIncludes);
  return error;
}
