/** A stream client for tests: it sends bytes, and waits for the expected reply. */

import { connect, type Socket } from "node:net";

/** Long enough for a slow shared machine. */
const ANSWER_TIMEOUT_MS = 30_000;

/** While the listen queue is full; when others took the connection's place before this process knew of it. */
const PASSING_ERRORS = ["EAGAIN", "ECONNRESET"];

/** Connects, and tries again after errors that pass. */
export async function openSocket(place: string): Promise<Socket> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    try {
      return await connectOnce(place);
    } catch (error) {
      const isPassing = PASSING_ERRORS.includes((error as NodeJS.ErrnoException).code ?? "");
      if (!isPassing || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function connectOnce(place: string): Promise<Socket> {
  const colon = place.lastIndexOf(":");
  const where = place.startsWith("unix:")
    ? { path: place.slice("unix:".length) }
    : { host: place.slice(0, colon), port: Number(place.slice(colon + 1)), noDelay: true };
  const socket = connect(where);
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    // Later errors are reported by "close".
    socket.on("error", reject);
  });
}

export class StreamClient {
  readonly socket: Socket;
  /** Received bytes, in chunks: joined when they are looked at, not with each chunk. */
  #chunks: Buffer[] = [];
  #isClosed = false;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#wake();
    });
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** @param place host:port or unix:path */
  static async open(place: string): Promise<StreamClient> {
    return new StreamClient(await openSocket(place));
  }

  /** Sends bytes, and takes the reply up to and including the expected end. */
  async ask(bytes: Uint8Array | string, end: Uint8Array | string = "\n"): Promise<Buffer> {
    this.socket.write(bytes);
    const expected = Buffer.from(end);
    let at = -1;
    await this.#until(() => (at = this.#received.indexOf(expected)) !== -1);
    const received = this.#received;
    this.#chunks = [received.subarray(at + expected.length)];
    return received.subarray(0, at + expected.length);
  }

  get #received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  /** All bytes until the other side closes. */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.#isClosed);
    return this.#received;
  }

  close(): void {
    this.socket.destroy();
  }

  async #until(isDone: () => boolean): Promise<void> {
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    while (!isDone()) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || this.#isClosed) {
        const what = this.#isClosed ? "closed" : "no more in time";
        throw new Error(
          `${what}, after ${JSON.stringify(this.#received.toString().slice(0, 500))}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
