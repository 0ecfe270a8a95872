import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { Exit } from "../../src/commands/command.ts";
import { exitStatusOf } from "../../src/commands/exit_status.ts";
import { SystemError } from "../../src/commands/system_error.ts";
import { UsageError } from "../../src/commands/usage_error.ts";
import {
  DeadlineExceededError,
  FullError,
  InvalidArgumentError,
  ServerDownError,
  SomeFailedError,
} from "../../src/errors.ts";
import { NoAddressError } from "../../src/runtime/address.ts";
import { DataFolderError } from "../../src/runtime/sqlite/problem.ts";

test("the exit status tells the user's mistake from the network, the server and this machine", () => {
  const down = new ServerDownError(
    { operation: "GET", server: { name: "a", address: "a:1" } },
    "no answer",
  );
  const cases: [unknown, number][] = [
    [new UsageError("x"), Exit.USAGE],
    [new InvalidArgumentError("x"), Exit.USAGE],
    [new DeadlineExceededError({ operation: "GET" }, 1, null, ""), Exit.NO_ANSWER],
    [down, Exit.NO_ANSWER],
    [new SomeFailedError("x", new Map([["k", down]]), new Map(), false), Exit.NO_ANSWER],
    [new FullError({ operation: "SET" }), Exit.REFUSED],
    [new SystemError("x"), Exit.SYSTEM],
    [new NoAddressError("x"), Exit.SYSTEM],
    [new DataFolderError("x"), Exit.SYSTEM],
    [new Error("x"), Exit.SYSTEM],
  ];
  for (const [error, status] of cases) assertEquals(exitStatusOf(error), status, String(error));
});
