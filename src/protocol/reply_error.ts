/** The statuses of replies that are errors, as errors of the library. */

import {
  DuplicateError,
  type Effect,
  FullError,
  ProtocolError,
  RequestError,
  TooLargeError,
} from "../errors.ts";
import type { Call, Reply } from "./call.ts";
import { Status } from "./frame.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The error that a reply's status stands for; null for an answer. */
export function errorOf({ status, value }: Reply, { name, isMutation }: Call): Error | null {
  const onlyResultLost: Effect = isMutation ? "done" : "none";
  switch (status) {
    case Status.OK:
    case Status.NOT_FOUND:
    case Status.EXISTS:
      return null;
    case Status.ERROR:
      return new RequestError(name, decoder.decode(value));
    case Status.DUPLICATE:
      return new DuplicateError(name);
    case Status.FULL:
      return new FullError(name);
    case Status.TOO_LARGE:
      return new TooLargeError(name, onlyResultLost);
    default:
      return new ProtocolError(name, `status ${status}`, isMutation ? "unknown" : "none");
  }
}
