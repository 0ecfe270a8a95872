/** Keyv with @keyv/redis: what each test of its own suite says. */

import { startVitest } from "vitest/node";
import { finish, saw } from "./steps.mjs";

/** How many tests it has for an adapter, those of iterators included. */
const TESTS = 42;
/** For one test, on a machine that is busy with other things as well. */
const TEST_BOUND_MS = 10_000;

const run = await startVitest("test", [], {
  cache: false,
  config: false,
  env: { RESP_PORT: process.argv[2] },
  hookTimeout: TEST_BOUND_MS,
  include: ["keyv_suite.mjs"],
  pool: "threads",
  reporters: [{}],
  root: import.meta.dirname,
  testTimeout: TEST_BOUND_MS,
  watch: false,
});
const modules = run.state.getTestModules();
for (const { message } of modules.flatMap((module) => module.errors())) {
  saw("a file of tests", { failed: message });
}
const tests = modules.flatMap((module) => [...module.children.allTests()]);
for (const test of tests) saw(test.fullName, outcome(test.result()));
const passed = tests.filter((test) => test.result().state === "passed").length;
saw("tests that passed", passed === TESTS ? { is: passed } : { failed: `${passed} of ${TESTS}` });
await run.close();
finish();

function outcome({ state, errors }) {
  if (state === "passed") return { is: state };
  return { failed: [state, ...(errors ?? []).map(({ message }) => message)].join(": ") };
}
