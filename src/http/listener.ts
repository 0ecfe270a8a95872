/** The sockets of the door for HTTP, by node:http, which every runtime has. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { BoundStreams, StreamAddress } from "../runtime/runtime.ts";
import type { Answers } from "./answers.ts";

/** Connections at a time; a further one is closed at once. A browser opens six. */
const MAX_CONNECTIONS = 32;
/** How long a client may take to ask, and then to take the answer. */
const PATIENCE_MS = 5_000;
/** How often that is looked at. */
const LOOK_MS = 1_000;
/** All headers of a request. */
const MAX_HEADER_BYTES = 8_192;

/** @throws an Error with `code` as a listener of streams does */
export function listenForHttp(answers: Answers, address: StreamAddress): Promise<BoundStreams> {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: PATIENCE_MS,
    requestTimeout: PATIENCE_MS,
    connectionsCheckingInterval: LOOK_MS,
  }, (request, response) => {
    const { method = "", url = "", headers } = request;
    const { status, headers: answered, body } = answers.answer({ method, url, host: headers.host });
    response.writeHead(status, {
      ...answered,
      "content-length": String(Buffer.byteLength(body)),
      // One answer a connection: many, asked for at once and not taken, would fill the memory.
      connection: "close",
    });
    response.end(body, () => {
      if (hasBody(headers)) request.socket.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket) => socket.setTimeout(2 * PATIENCE_MS, () => socket.destroy()));
  server.on("clientError", (_, socket) => socket.destroy());
  return bound(server, address);
}

/** Whether a request brings what nobody reads here. It would be taken for as long as a request may last. */
function hasBody(headers: IncomingHttpHeaders): boolean {
  return "transfer-encoding" in headers || (headers["content-length"] ?? "0") !== "0";
}

function bound(server: Server, address: StreamAddress): Promise<BoundStreams> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen("path" in address ? { path: address.path } : address, () => {
      server.off("error", reject);
      // A client that could not be accepted, for lack of descriptors perhaps, tries again.
      server.on("error", () => {});
      const own = server.address();
      const port = typeof own === "object" && own !== null ? own.port : 0;
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ port, close });
    });
  });
}
