/**
 * Tells a service manager, such as systemd, how this process is: a datagram of text to the Unix socket
 * that the environment variable NOTIFY_SOCKET names. Bun's own sockets send no such datagrams, so libc's do.
 * Source: sd_notify(3), unix(7).
 */

import { LIBC, openLibrary, type Pointer, pointerTo } from "./foreign.ts";

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  sendto(
    fd: number,
    text: Pointer,
    bytes: number,
    flags: number,
    address: Pointer,
    addressBytes: number,
  ): number;
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_NOSIGNAL = 0x4000;
/** The manager's queue has room for hundreds; when it is full, the message is lost. */
const MSG_DONTWAIT = 0x40;
/** Of a struct sockaddr_un: the family, and the longest path. */
const FAMILY_BYTES = 2;
const MAX_PATH_BYTES = 108;

export class NotifySocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #address: Uint8Array<ArrayBuffer>;

  private constructor(libc: Libc, fd: number, address: Uint8Array<ArrayBuffer>) {
    this.#libc = libc;
    this.#fd = fd;
    this.#address = address;
  }

  /**
   * It stays open as long as the process lives.
   * @param place a path from the root, or "@" and a name that is no file's
   * @returns null for another place, or where libc can't be called: on Node and Deno, and off Linux
   */
  static open(place: string): NotifySocket | null {
    const address = unixAddress(place);
    const libc = address === null ? null : openLibc();
    if (address === null || libc === null) return null;
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return null;
    return new NotifySocket(libc, fd, address);
  }

  /** @param lines such as READY=1 @returns whether the manager has them */
  send(...lines: string[]): boolean {
    const text = new Uint8Array(Buffer.from(lines.join("\n")));
    const { length } = this.#address;
    const to = pointerTo(this.#address);
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    return this.#libc.sendto(this.#fd, pointerTo(text), text.length, flags, to, length) >= 0;
  }
}

function openLibc(): Libc | null {
  return openLibrary<Libc>(LIBC, {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "u32", "i32", "ptr", "u32"], returns: "i32" },
  });
}

/** A struct sockaddr_un; null if the place can't be one. */
function unixAddress(place: string): Uint8Array<ArrayBuffer> | null {
  const path = Buffer.from(place);
  if (!/^[/@]./.test(place) || path.length > MAX_PATH_BYTES) return null;
  const address = new Uint8Array(new ArrayBuffer(FAMILY_BYTES + path.length));
  address[0] = AF_UNIX;
  address.set(path, FAMILY_BYTES);
  // Names that are no file's begin with a NUL.
  if (place.startsWith("@")) address[FAMILY_BYTES] = 0;
  return address;
}
