/** The vectors of the wire, as in wire1.json; bytes in hex. */

import { readFileSync } from "node:fs";

export interface RequestVector {
  name: string;
  operation: number;
  toggles: number;
  key: string;
  value: string;
  ttlMs: number;
  nonce: string;
  additionalData: string;
  frame: string;
  datagram: string;
}

export interface ReplyVector {
  name: string;
  status: number;
  toggles: number;
  value: string;
  remainingMs: number;
  answers: string;
  nonce: string;
  frame: string;
  datagram: string;
}

export interface Vectors {
  masterKey: string;
  requestKey: string;
  replyKey: string;
  epoch: string;
  requests: RequestVector[];
  replies: ReplyVector[];
  /** Of a server that has a name. */
  named: {
    serverName: string;
    requestKey: string;
    replyKey: string;
    request: RequestVector;
    reply: ReplyVector;
  };
  skvsKey: string;
  /** How the nonce of every reply of the original wire begins. */
  skvsReplyTag: string;
  skvsRequest: {
    command: number;
    flags: number;
    key: string;
    value: string;
    nonce: string;
    frame: string;
    datagram: string;
  };
}

/** The tests run from the project's own folder. */
export const vectors: Vectors = JSON.parse(readFileSync("tests/vectors/wire1.json", "utf8"));
