/**
 * A Linux socket: datagrams in batches, with one system call for many and no object for each, and
 * a larger receive buffer. Bun opens the socket and reports when a datagram has arrived; those of
 * readers are opened here.
 * Source: recvmmsg(2), sendmmsg(2), socket(7), udp(7).
 */

import { LIBC, openLibrary, type Pointer, pointerTo } from "./foreign.ts";
import { BATCH, type Messages } from "./messages.ts";

interface Libc {
  recvmmsg(fd: number, messages: Pointer, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Pointer, bytes: number): number;
  getsockopt(fd: number, level: number, name: number, value: Pointer, bytes: Pointer): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Pointer, bytes: number): number;
  close(fd: number): number;
  shutdown(fd: number, how: number): number;
}

/** Opened once per process. */
let libc: Libc | null | undefined;

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_RCVTIMEO = 20;
/** Exceeds the system's limit, where the process may do so. */
const SO_RCVBUFFORCE = 33;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const AF_INET6 = 10;
const SHUT_RD = 0;
const INT_BYTES = 4;

function openLibc(): Libc | null {
  return openLibrary<Libc>(LIBC, {
    recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
    sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    shutdown: { args: ["i32", "i32"], returns: "i32" },
  });
}

/** A run may be refused for good, by the system, or for now: by a full buffer, or one peer's path. */
const SENDS_WITHOUT_RUNS = 1_000;

export class LinuxSocket {
  readonly fd: number;
  readonly #libc: Libc;
  /** Sends that are still made without runs, after a run was refused. */
  #sendsWithoutRuns = 0;
  #isClosed = false;

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.fd = fd;
  }

  /** Null where this is not Linux, or its C library is not a known one. */
  static from(fd: number): LinuxSocket | null {
    libc ??= openLibc();
    return libc === null ? null : new LinuxSocket(libc, fd);
  }

  /**
   * Another socket at the address where this one is bound, which must share its port.
   * @param address a struct sockaddr_in or sockaddr_in6
   * @returns null if the system refuses it
   */
  bindBeside(address: Uint8Array<ArrayBuffer>): LinuxSocket | null {
    const family = address[0];
    const fd = this.#libc.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return null;
    const beside = new LinuxSocket(this.#libc, fd);
    const isV6 = family === AF_INET6;
    const isBound = beside.sharePort(true) &&
      (!isV6 || beside.#set(IPPROTO_IPV6, IPV6_V6ONLY, this.#get(IPPROTO_IPV6, IPV6_V6ONLY))) &&
      this.#libc.bind(fd, pointerTo(address), address.length) === 0;
    if (isBound) return beside;
    beside.close();
    return null;
  }

  /** Lets other sockets of this user be bound to the same address and port, or no more. */
  sharePort(isShared: boolean): boolean {
    return this.#set(SOL_SOCKET, SO_REUSEPORT, isShared ? 1 : 0);
  }

  /**
   * Makes a program choose the socket for each datagram, of all that share the port.
   * @param program instructions of classic BPF, 8 bytes each (bpf(4)), which return the socket's number
   */
  steer(program: Uint32Array<ArrayBuffer>): boolean {
    // A struct sock_fprog: the number of instructions, and their address.
    const words = new Uint32Array(new ArrayBuffer(16));
    const at = pointerTo(program);
    words.set([program.length / 2, 0, at, Math.floor(at / 2 ** 32)]);
    return this.#setWords(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, words);
  }

  /** A receive that waits gives up after this time. */
  limitWaits(timeoutMs: number): boolean {
    // A struct timeval: seconds and microseconds, 64 bits each.
    const words = new Uint32Array(new ArrayBuffer(16));
    words.set([Math.floor(timeoutMs / 1_000), 0, (timeoutMs % 1_000) * 1_000, 0]);
    return this.#setWords(SOL_SOCKET, SO_RCVTIMEO, words);
  }

  /** Receives waiting datagrams into the messages from `first` on; returns how many there were. */
  receive(into: Messages, first: number): number {
    return this.#receive(into, first, MSG_DONTWAIT);
  }

  /** As `receive`, but waits for one if there is none. */
  receiveOrWait(into: Messages): number {
    return this.#receive(into, 0, MSG_WAITFORONE);
  }

  #receive(into: Messages, first: number, flags: number): number {
    const at = into.pointerTo(first);
    return Math.max(0, this.#libc.recvmmsg(this.fd, at, BATCH - first, flags, null));
  }

  /**
   * Sends the first `count` datagrams. What is refused is tried once more, since the error may be
   * that of an earlier one, whose receiver is gone; and if it is a run, then one by one.
   * @param onRefused called with the index of a datagram that was refused
   */
  send(messages: Messages, count: number, onRefused: (i: number) => void): void {
    if (this.#sendsWithoutRuns > 0) this.#sendsWithoutRuns--;
    const runs = messages.arrange(count, this.#sendsWithoutRuns === 0);
    let isSecondTry = false;
    for (let sent = 0; sent < runs;) {
      const more = this.#send(messages.pointerToRun(sent), runs - sent);
      if (more > 0) sent += more;
      else if (isSecondTry) this.#sendSingly(messages, sent++, onRefused);
      isSecondTry = more <= 0 && !isSecondTry;
    }
  }

  /** Sends the datagrams of a run that was refused. */
  #sendSingly(messages: Messages, run: number, onRefused: (i: number) => void): void {
    const first = messages.firstOf(run);
    const end = messages.firstOf(run + 1);
    const isRun = end - first > 1;
    for (let i = first; i < end; i++) {
      if (!isRun || this.#send(messages.pointerTo(i), 1) <= 0) onRefused(i);
      else this.#sendsWithoutRuns = SENDS_WITHOUT_RUNS;
    }
  }

  #send(messages: Pointer, count: number): number {
    return this.#libc.sendmmsg(this.fd, messages, count, MSG_DONTWAIT);
  }

  /** Raises the receive buffer, if it is smaller, as far as the system allows; returns its size. */
  raiseReceiveBuffer(bytes: number): number | null {
    const bytesNow = this.#get(SOL_SOCKET, SO_RCVBUF);
    if (bytesNow >= bytes) return bytesNow;
    const isRaised = this.#set(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
    if (!isRaised) this.#set(SOL_SOCKET, SO_RCVBUF, bytes);
    return this.#get(SOL_SOCKET, SO_RCVBUF) || null;
  }

  /** Ends the wait of a thread in `receiveOrWait`. Nothing can be received any more. */
  wake(): void {
    // It fails for a socket that is not connected, after it has done just this (inet_shutdown in Linux).
    this.#libc.shutdown(this.fd, SHUT_RD);
  }

  /** Once, since the descriptor may then be another's. */
  close(): void {
    if (!this.#isClosed) this.#libc.close(this.fd);
    this.#isClosed = true;
  }

  #get(level: number, name: number): number {
    const value = new Uint32Array(new ArrayBuffer(INT_BYTES));
    const length = new Uint32Array(new ArrayBuffer(INT_BYTES));
    length[0] = INT_BYTES;
    this.#libc.getsockopt(this.fd, level, name, pointerTo(value), pointerTo(length));
    return value[0];
  }

  #set(level: number, name: number, value: number): boolean {
    const words = new Uint32Array(new ArrayBuffer(INT_BYTES));
    words[0] = value;
    return this.#setWords(level, name, words);
  }

  #setWords(level: number, name: number, words: Uint32Array<ArrayBuffer>): boolean {
    return this.#libc.setsockopt(this.fd, level, name, pointerTo(words), words.byteLength) === 0;
  }
}
