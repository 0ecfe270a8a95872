/**
 * The ten operations: what each may carry, and what is wrong with a request that carries
 * something else.
 * Source: docs/WIRE.md, section 4, «Operations».
 */

import { readU16 } from "../bytes.ts";
import {
  codeOf,
  CURSOR_BYTES,
  EXPECTED_LENGTH_BYTES,
  keyLengthOf,
  MAX_KEY_BYTES,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
  Operation,
  RequestToggle,
  requestTtlOf,
  togglesOf,
  VALUE_AT,
  valueLengthOf,
} from "./frame.ts";

interface Rule {
  readonly isMutation: boolean;
  readonly minKeyBytes: number;
  readonly maxKeyBytes: number;
  readonly takesValue: boolean;
  readonly toggles: number;
}

const { OVERWRITE, OLD, TTL, IF_EQUAL } = RequestToggle;
const A_KEY = { minKeyBytes: 1, maxKeyBytes: MAX_KEY_BYTES };
/** A prefix of keys, or the name of a section: it may be empty. */
const A_PREFIX = { minKeyBytes: 0, maxKeyBytes: MAX_KEY_BYTES };
const NO_VALUE = { takesValue: false };
const QUERY = { isMutation: false, toggles: 0 };
const MUTATION = { isMutation: true };

const RULES: Readonly<Record<Operation, Rule>> = {
  [Operation.SET]: {
    ...{ ...MUTATION, ...A_KEY },
    takesValue: true,
    toggles: OVERWRITE | OLD | TTL | IF_EQUAL,
  },
  [Operation.GET]: { ...QUERY, ...A_KEY, ...NO_VALUE },
  [Operation.DELETE]: { ...MUTATION, ...A_KEY, ...NO_VALUE, toggles: IF_EQUAL },
  [Operation.EXISTS]: { ...QUERY, ...A_KEY, ...NO_VALUE },
  [Operation.ADD]: { ...MUTATION, ...A_KEY, takesValue: true, toggles: TTL },
  [Operation.TOUCH]: { ...MUTATION, ...A_KEY, ...NO_VALUE, toggles: TTL },
  [Operation.PING]: { ...QUERY, ...NO_VALUE, minKeyBytes: 0, maxKeyBytes: 0 },
  [Operation.STATS]: { ...QUERY, ...A_PREFIX, ...NO_VALUE },
  [Operation.SCAN]: { ...QUERY, ...A_PREFIX, takesValue: true },
  [Operation.DROP]: { ...MUTATION, ...A_PREFIX, ...NO_VALUE, toggles: 0 },
};

/** The rule of an operation as sent; undefined if the operation does not exist. */
function ruleOf(operation: number): Rule | undefined {
  return RULES[operation as Operation];
}

/** The names by code: SET, GET … */
export const OPERATION_NAMES: readonly string[] = Object.keys(Operation);

/** Whether an operation is sent on the mutation stream; false if it does not exist. */
export function isMutation(operation: number): boolean {
  return ruleOf(operation)?.isMutation ?? false;
}

/** What is wrong with a request that came on one of the two streams, or null. */
export function faultOf(frame: Uint8Array, onMutationStream: boolean): string | null {
  const operation = codeOf(frame);
  const rule = ruleOf(operation);
  if (rule === undefined) return `operation ${operation} does not exist`;
  const name = OPERATION_NAMES[operation];
  if (rule.isMutation !== onMutationStream) return `${name} came on the wrong stream`;
  const stray = togglesOf(frame) & ~rule.toggles;
  if (stray !== 0) return `${name} does not take toggles 0x${stray.toString(16)}`;
  return keyFault(frame, name, rule) ?? valueFault(frame, name, rule) ??
    expectedFault(frame, operation) ?? ttlFault(frame);
}

function keyFault(frame: Uint8Array, name: string, rule: Rule): string | null {
  const { minKeyBytes, maxKeyBytes } = rule;
  const length = keyLengthOf(frame);
  if (length >= minKeyBytes && length <= maxKeyBytes) return null;
  return `${name} takes a key of ${minKeyBytes} to ${maxKeyBytes} bytes, not ${length}`;
}

function valueFault(frame: Uint8Array, name: string, rule: Rule): string | null {
  const length = valueLengthOf(frame);
  if (!rule.takesValue && !has(frame, IF_EQUAL)) {
    return length === 0 ? null : `${name} takes no value`;
  }
  if (codeOf(frame) === Operation.SCAN && length !== 0 && length !== CURSOR_BYTES) {
    return `a cursor has ${CURSOR_BYTES} bytes, not ${length}`;
  }
  const limit = has(frame, TTL) ? MAX_VALUE_BYTES_WITH_TTL : MAX_VALUE_BYTES;
  return length <= limit ? null : `a value of ${length} bytes is over ${limit}`;
}

function expectedFault(frame: Uint8Array, operation: number): string | null {
  if (!has(frame, IF_EQUAL)) return null;
  if (has(frame, OVERWRITE | OLD)) return "IF_EQUAL goes with neither OVERWRITE nor OLD";
  const length = valueLengthOf(frame);
  const end = EXPECTED_LENGTH_BYTES + readU16(frame, VALUE_AT);
  if (length < EXPECTED_LENGTH_BYTES || length < end) return "the expected value is cut short";
  const isAll = operation !== Operation.DELETE || length === end;
  return isAll ? null : "DELETE takes nothing behind the expected value";
}

function ttlFault(frame: Uint8Array): string | null {
  if (!has(frame, TTL)) return null;
  const ttlMs = requestTtlOf(frame);
  return ttlMs >= 1 && ttlMs <= MAX_TTL_MS ? null : "a time to live is 1 to 2^53 - 1 ms";
}

function has(frame: Uint8Array, toggle: number): boolean {
  return (togglesOf(frame) & toggle) !== 0;
}
