/** What all commands have in common, for the help and the manual page. */

export const ENVIRONMENT: readonly (readonly [variable: string, meaning: string])[] = [
  ["KG_SERVER", "the server, HOST:PORT, or servers, NAME=HOST:PORT,..."],
  ["KG_SPREAD", "any, if any of these servers has all keys"],
  ["KG_BACKEND", "the URL of serve's --backend, which may have a password in it"],
  ["KG_MEMORY, KG_LISTEN, ...", "options of kg serve: kg serve --help"],
  ["KG_KEY_FILE", "a file with the key, readable by its owner alone"],
  ["KG_KEY", "the key itself"],
  ["SKVS_ENCRYPTION_KEY", "the key of the original wire, for --skvs"],
];

export const EXIT_STATUSES: readonly (readonly [status: number, meaning: string])[] = [
  [0, "done"],
  [1, "not found or not stored"],
  [2, "wrong usage"],
  [3, "no answer before the deadline"],
  [4, "refused by the server"],
  [5, "refused by this machine: a port or folder in use, a file, a full disk, an unknown host"],
];
