/**
 * The sizes of a datagram, the same in both directions: nonce ‖ sealed frame ‖ tag.
 * Source: docs/WIRE.md, section 1.
 */

import { assert } from "../assert.ts";

/** Bytes of every datagram; a datagram of any other size gets no reply. */
export const DATAGRAM_BYTES = 1024;
/** Bytes of the nonce that begins a datagram: 96 bits, GCM's native size (NIST SP 800-38D). */
export const NONCE_BYTES = 12;
/** Bytes of the plaintext frame inside. */
export const FRAME_BYTES = 996;
/** Bytes of the GCM tag that ends a datagram. */
export const TAG_BYTES = 16;
/** Where the tag starts. */
export const TAG_AT = NONCE_BYTES + FRAME_BYTES;

assert(NONCE_BYTES + FRAME_BYTES + TAG_BYTES === DATAGRAM_BYTES, "12 + 996 + 16 = 1024");
