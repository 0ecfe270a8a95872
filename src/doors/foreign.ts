/**
 * Recognizes input in another protocol. A browser can be made to send a request to a port of its
 * own machine, with lines chosen by a web page, in the body or in a TLS session ticket. So a
 * connection ends at the first line of HTTP and at the first byte of TLS.
 * Source: RFC 9112, section 3; RFC 8446, section 5.1.
 */

import type { Buffer } from "node:buffer";

const LF = 0x0a;
/** The type of the TLS record that begins a handshake. */
const TLS_HANDSHAKE = 0x16;
/** How an HTTP request's first line ends. */
const HTTP_VERSION = / HTTP\/\d(?:\.\d)?\r?\n$/i;
const HTTP_VERSION_BYTES = " HTTP/1.1\r\n".length;

/** Checks the beginning of a connection, until its first line is complete. */
export class Beginning {
  /** Whether the first line was complete and needs no more checks. */
  isOver = false;
  /** How many bytes of the first line were scanned for its end. */
  #scanned = 0;

  /** Whether all bytes received so far, from `start` on, are of another protocol. */
  isForeign(bytes: Buffer, start: number, end: number): boolean {
    if (bytes[start] === TLS_HANDSHAKE) return true;
    const at = bytes.indexOf(LF, start + this.#scanned);
    if (at === -1 || at >= end) {
      this.#scanned = end - start;
      return false;
    }
    this.isOver = true;
    const tail = bytes.toString("latin1", Math.max(start, at + 1 - HTTP_VERSION_BYTES), at + 1);
    return HTTP_VERSION.test(tail);
  }
}

/** Whether the first word of a request is a browser's: POST, or the header all requests have. */
export function isHttpWord(word: string): boolean {
  return /^(?:post|host:)$/i.test(word);
}
