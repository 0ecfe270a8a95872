/**
 * The eight operations: what each may carry, and what is wrong with a request that carries
 * something else.
 * Source: docs/WIRE.md, section 4, «Operations».
 */

import {
  codeOf,
  keyLengthOf,
  MAX_KEY_BYTES,
  MAX_TTL_MS,
  MAX_VALUE_BYTES,
  MAX_VALUE_BYTES_WITH_TTL,
  Operation,
  RequestToggle,
  requestTtlOf,
  togglesOf,
  valueLengthOf,
} from "./frame.ts";

interface Rule {
  readonly isMutation: boolean;
  readonly minKeyBytes: number;
  readonly maxKeyBytes: number;
  readonly takesValue: boolean;
  readonly toggles: number;
}

const { OVERWRITE, OLD, TTL } = RequestToggle;
const A_KEY = { minKeyBytes: 1, maxKeyBytes: MAX_KEY_BYTES };
const NO_VALUE = { takesValue: false };
const QUERY = { isMutation: false, toggles: 0 };
const MUTATION = { isMutation: true };

const RULES: Readonly<Record<Operation, Rule>> = {
  [Operation.SET]: { ...MUTATION, ...A_KEY, takesValue: true, toggles: OVERWRITE | OLD | TTL },
  [Operation.GET]: { ...QUERY, ...A_KEY, ...NO_VALUE },
  [Operation.DELETE]: { ...MUTATION, ...A_KEY, ...NO_VALUE, toggles: 0 },
  [Operation.EXISTS]: { ...QUERY, ...A_KEY, ...NO_VALUE },
  [Operation.ADD]: { ...MUTATION, ...A_KEY, takesValue: true, toggles: TTL },
  [Operation.TOUCH]: { ...MUTATION, ...A_KEY, ...NO_VALUE, toggles: TTL },
  [Operation.PING]: { ...QUERY, ...NO_VALUE, minKeyBytes: 0, maxKeyBytes: 0 },
  [Operation.STATS]: { ...QUERY, ...NO_VALUE, minKeyBytes: 0, maxKeyBytes: MAX_KEY_BYTES },
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
  return keyFault(frame, name, rule) ?? valueFault(frame, name, rule) ?? ttlFault(frame);
}

function keyFault(frame: Uint8Array, name: string, rule: Rule): string | null {
  const { minKeyBytes, maxKeyBytes } = rule;
  const length = keyLengthOf(frame);
  if (length >= minKeyBytes && length <= maxKeyBytes) return null;
  return `${name} takes a key of ${minKeyBytes} to ${maxKeyBytes} bytes, not ${length}`;
}

function valueFault(frame: Uint8Array, name: string, rule: Rule): string | null {
  const length = valueLengthOf(frame);
  if (!rule.takesValue) return length === 0 ? null : `${name} takes no value`;
  const limit = hasTtl(frame) ? MAX_VALUE_BYTES_WITH_TTL : MAX_VALUE_BYTES;
  return length <= limit ? null : `a value of ${length} bytes is over ${limit}`;
}

function ttlFault(frame: Uint8Array): string | null {
  if (!hasTtl(frame)) return null;
  const ttlMs = requestTtlOf(frame);
  return ttlMs >= 1 && ttlMs <= MAX_TTL_MS ? null : "a time to live is 1 to 2^53 - 1 ms";
}

function hasTtl(frame: Uint8Array): boolean {
  return (togglesOf(frame) & TTL) !== 0;
}
