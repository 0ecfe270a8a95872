/**
 * The form of values that may be larger than a datagram carries. Most fit one, and are stored as they
 * are. Of the others the key holds a head, which has the value compressed, or names its pieces.
 * Source: docs/WIRE.md, section 8.
 */

import { equalBytes, readU32, writeU16, writeU32 } from "../bytes.ts";
import { MAX_KEY_BYTES, MAX_VALUE_BYTES_WITH_TTL } from "../protocol/frame.ts";

/** The largest value, in bytes, which is that of the doors. */
export const MAX_LARGE_BYTES: number = 2 ** 20;
/** All but the last piece have as many bytes as fit a datagram with a time to live. */
export const PIECE_BYTES: number = MAX_VALUE_BYTES_WITH_TTL;

/** What a head begins with; no text does. */
const MAGIC = Uint8Array.of(0x00, 0x6b, 0x67, 0x4c);
const FORM_AT = MAGIC.length;
const INLINE_AT = FORM_AT + 1;

const ID_AT = INLINE_AT;
export const ID_BYTES = 8;
const STORED_AT = ID_AT + ID_BYTES;
const SIZE_AT = STORED_AT + 4;
const SUM_AT = SIZE_AT + 4;
export const SUM_BYTES = 16;
export const HEAD_BYTES: number = SUM_AT + SUM_BYTES;

/** What follows a key in the keys of its pieces: a zero, the id, and the piece's number. */
const SUFFIX_BYTES = 1 + ID_BYTES + 2;
/** The longest key of a value in pieces. */
export const MAX_LARGE_KEY_BYTES: number = MAX_KEY_BYTES - SUFFIX_BYTES;

const Form = { PLAIN: 0, DEFLATED: 1, PIECES: 2, DEFLATED_PIECES: 3 } as const;

/** A value in one datagram. */
export interface Inline {
  /** As stored: compressed, or the value itself. */
  readonly bytes: Uint8Array;
  readonly isDeflated: boolean;
}

/** A value in pieces. */
export interface Pieces {
  /** 8 random bytes, new for each value that is stored. */
  readonly id: Uint8Array;
  /** Bytes of all pieces together, 1 to 2^20. */
  readonly storedBytes: number;
  /** Bytes of the value, 1 to 2^20. */
  readonly sizeBytes: number;
  readonly isDeflated: boolean;
  /** The first 16 bytes of the value's SHA-256. */
  readonly sum: Uint8Array;
}

/** Whether a value can't be stored as it is, since it would be taken for a head. */
export function looksLikeHead(value: Uint8Array): boolean {
  return value.length >= MAGIC.length && equalBytes(value, 0, MAGIC, 0, MAGIC.length);
}

export function inlineHead({ bytes, isDeflated }: Inline): Uint8Array {
  const head = new Uint8Array(INLINE_AT + bytes.length);
  head.set(MAGIC);
  head[FORM_AT] = isDeflated ? Form.DEFLATED : Form.PLAIN;
  head.set(bytes, INLINE_AT);
  return head;
}

export function piecesHead({ id, storedBytes, sizeBytes, isDeflated, sum }: Pieces): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  head.set(MAGIC);
  head[FORM_AT] = isDeflated ? Form.DEFLATED_PIECES : Form.PIECES;
  head.set(id, ID_AT);
  writeU32(head, STORED_AT, storedBytes);
  writeU32(head, SIZE_AT, sizeBytes);
  head.set(sum, SUM_AT);
  return head;
}

/** What is stored under a key; null if it is a head of a form that is not known, or no valid one. */
export function readHead(stored: Uint8Array): Inline | Pieces | null {
  if (!looksLikeHead(stored)) return { bytes: stored, isDeflated: false };
  const form = stored[FORM_AT];
  if (form === Form.PLAIN || form === Form.DEFLATED) {
    return { bytes: stored.subarray(INLINE_AT), isDeflated: form === Form.DEFLATED };
  }
  const isPieces = form === Form.PIECES || form === Form.DEFLATED_PIECES;
  if (!isPieces || stored.length !== HEAD_BYTES) return null;
  const storedBytes = readU32(stored, STORED_AT);
  const sizeBytes = readU32(stored, SIZE_AT);
  if (!isSize(storedBytes) || !isSize(sizeBytes)) return null;
  return {
    ...{ storedBytes, sizeBytes, isDeflated: form === Form.DEFLATED_PIECES },
    id: stored.subarray(ID_AT, STORED_AT),
    sum: stored.subarray(SUM_AT, HEAD_BYTES),
  };
}

const isSize = (bytes: number): boolean => bytes >= 1 && bytes <= MAX_LARGE_BYTES;

export const isPieces = (head: Inline | Pieces | null): head is Pieces =>
  head !== null && "id" in head;

/** The keys of a value's pieces, in their order; at most 1,227. */
export function pieceKeys(key: Uint8Array, { id, storedBytes }: Pieces): Uint8Array[] {
  const count = Math.ceil(storedBytes / PIECE_BYTES);
  return Array.from({ length: count }, (_, number) => {
    const piece = new Uint8Array(key.length + SUFFIX_BYTES);
    piece.set(key);
    piece.set(id, key.length + 1);
    writeU16(piece, piece.length - 2, number);
    return piece;
  });
}

export function pieceOf(stored: Uint8Array, number: number): Uint8Array {
  return stored.subarray(number * PIECE_BYTES, (number + 1) * PIECE_BYTES);
}

/** The stored bytes from all pieces; null if they have not the size that the head says. */
export function joined(pieces: readonly Uint8Array[], { storedBytes }: Pieces): Uint8Array | null {
  const stored = new Uint8Array(storedBytes);
  let at = 0;
  for (const [number, piece] of pieces.entries()) {
    if (piece.length !== Math.min(PIECE_BYTES, storedBytes - number * PIECE_BYTES)) return null;
    stored.set(piece, at);
    at += piece.length;
  }
  return at === storedBytes ? stored : null;
}
