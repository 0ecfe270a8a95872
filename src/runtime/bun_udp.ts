/** UDP sockets of Bun. */

/** The part of Bun that is used here. */
export interface BunSocket {
  readonly hostname: string;
  readonly port: number;
  readonly fd: number;
  send(data: Uint8Array, port: number, address: string): boolean;
  close(): void;
  unref(): void;
}

interface BunUdp {
  readonly version: string;
  udpSocket(options: {
    hostname: string;
    port: number;
    socket: {
      data(socket: BunSocket, datagram: Uint8Array, port: number, address: string): void;
      error(socket: BunSocket, error: unknown): void;
    };
  }): Promise<BunSocket>;
}

export const bun = (globalThis as unknown as { Bun: BunUdp }).Bun;
