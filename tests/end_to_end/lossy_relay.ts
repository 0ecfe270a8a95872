/** A bad network between real sockets: drops, duplicates, delays and bit flips, at set rates. */

import { createSocket, type Socket } from "node:dgram";
import { copyBytes } from "../../src/bytes.ts";

export interface Rates {
  /** Probabilities for each datagram, each way. */
  readonly loss: number;
  readonly duplication: number;
  /** A delay lets later datagrams overtake. */
  readonly delay: number;
  readonly maxDelayMs: number;
  readonly corruption: number;
}

export class LossyRelay {
  readonly #rates: Rates;
  readonly #random: () => number;
  readonly #serverPort: number;
  readonly #front = createSocket("udp4");
  /** One socket to the server for each client, so that replies find their way back. */
  readonly #backs = new Map<number, Socket>();
  #isClosed = false;
  dropped = 0;
  doubled = 0;
  delayed = 0;
  corrupted = 0;

  private constructor(serverAddress: string, rates: Rates, random: () => number) {
    this.#serverPort = Number(serverAddress.split(":").at(-1));
    this.#rates = rates;
    this.#random = random;
  }

  /** A relay to a server on this machine. */
  static async to(serverAddress: string, rates: Rates, random: () => number): Promise<LossyRelay> {
    const relay = new LossyRelay(serverAddress, rates, random);
    await new Promise<void>((resolve) => relay.#front.bind(0, "127.0.0.1", resolve));
    relay.#front.on("message", (datagram, { port }) => {
      const back = relay.#backFor(port);
      relay.#pass(datagram, (one) => back.send(one, relay.#serverPort, "127.0.0.1"));
    });
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${this.#front.address().port}`;
  }

  close(): void {
    this.#isClosed = true;
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  #backFor(clientPort: number): Socket {
    const known = this.#backs.get(clientPort);
    if (known !== undefined) return known;
    const back = createSocket("udp4");
    back.on("error", () => {});
    back.on("message", (datagram) => {
      this.#pass(datagram, (one) => this.#front.send(one, clientPort, "127.0.0.1"));
    });
    this.#backs.set(clientPort, back);
    return back;
  }

  #pass(datagram: Uint8Array, send: (datagram: Uint8Array) => void): void {
    const { loss, duplication, delay, corruption } = this.#rates;
    if (this.#random() < loss) {
      this.dropped++;
      return;
    }
    const isDoubled = this.#random() < duplication;
    if (isDoubled) this.doubled++;
    for (let copy = 0; copy < (isDoubled ? 2 : 1); copy++) {
      const own = copyBytes(datagram);
      if (this.#random() < corruption) this.#flipBit(own);
      if (this.#random() < delay) this.#sendLater(own, send);
      else send(own);
    }
  }

  #flipBit(datagram: Uint8Array): void {
    this.corrupted++;
    const bit = Math.floor(this.#random() * datagram.length * 8);
    datagram[bit >> 3] ^= 1 << (bit & 7);
  }

  #sendLater(datagram: Uint8Array, send: (datagram: Uint8Array) => void): void {
    this.delayed++;
    const sendUnlessClosed = () => {
      if (!this.#isClosed) send(datagram);
    };
    setTimeout(sendUnlessClosed, this.#random() * this.#rates.maxDelayMs);
  }
}
