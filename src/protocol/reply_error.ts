/** The statuses of replies that are errors, as errors of the library. */

import {
  DuplicateError,
  type Effect,
  type FailedCall,
  FullError,
  ProtocolError,
  RequestError,
  TooLargeError,
} from "../errors.ts";
import type { Reply } from "./call.ts";
import { Status } from "./frame.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function isAnswer({ status }: Reply): boolean {
  return status === Status.OK || status === Status.NOT_FOUND || status === Status.EXISTS;
}

/** The error that the status of a reply stands for which is no answer. */
export function errorOf({ status, value }: Reply, call: FailedCall, isMutation: boolean): Error {
  const onlyResultLost: Effect = isMutation ? "done" : "none";
  switch (status) {
    case Status.ERROR:
      return new RequestError(call, decoder.decode(value));
    case Status.DUPLICATE:
      return new DuplicateError(call);
    case Status.FULL:
      return new FullError(call);
    case Status.TOO_LARGE:
      return new TooLargeError(call, onlyResultLost);
    default:
      return new ProtocolError(call, `status ${status}`, isMutation ? "unknown" : "none");
  }
}
