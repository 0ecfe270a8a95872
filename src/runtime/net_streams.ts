/** Streams through node:net: on Node and on Deno. */

import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import type { Accept } from "../stream.ts";
import { formatAddress } from "./address.ts";
import type { BoundStreams, StreamAddress } from "./runtime.ts";

export function listenForStreams(address: StreamAddress, accept: Accept): Promise<BoundStreams> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    serve(socket, accept);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen("path" in address ? { path: address.path } : address, () => {
      server.off("error", reject);
      // A client that could not be accepted, for lack of descriptors perhaps, tries again.
      server.on("error", () => {});
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : 0;
      resolve({ port, close: () => void server.close() });
    });
  });
}

function serve(socket: Socket, accept: Accept): void {
  const { remoteAddress: host, remotePort: port } = socket;
  const events = accept({
    address: host === undefined || port === undefined ? "" : formatAddress({ host, port }),
    write: (bytes) => socket.write(Buffer.from(bytes)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    later: (run) => void setImmediate(run),
  });
  socket.on("data", (bytes) => events.receive(bytes));
  socket.on("drain", () => events.drained());
  socket.on("end", () => events.ended());
  socket.on("close", () => events.closed());
  // A client that vanished: "close" comes next.
  socket.on("error", () => {});
}
