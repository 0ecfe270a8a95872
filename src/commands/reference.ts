/** What all commands have in common, for the help and the manual page. */

export const ENVIRONMENT: readonly (readonly [variable: string, meaning: string])[] = [
  ["KG_SERVER", "the server, HOST:PORT, or servers, NAME=HOST:PORT,..."],
  ["KG_SPREAD", "any, if any of these servers has all keys"],
  ["KG_BACKEND", "the URL of serve's --backend, which may have a password in it"],
  ["KG_KEY_FILE", "a file with the key, which not everybody may read"],
  ["KG_KEY", "the key itself"],
  ["KG_MEMORY and so on", "the options of kg serve: see kg serve --help"],
  ["SKVS_ENCRYPTION_KEY", "the key of the original wire, for --skvs"],
];

export const EXIT_STATUSES: readonly (readonly [status: number, meaning: string])[] = [
  [0, "done"],
  [1, "not found or not stored"],
  [2, "wrong usage"],
  [3, "no answer before the deadline"],
  [4, "refused by the server"],
  [5, "refused by this machine: a port or a folder in use, a file, a full disk, an unknown host"],
  [130, "ended by Ctrl-C; kg bench has reported what it measured"],
];
