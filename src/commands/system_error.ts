/**
 * What was asked for is right, and this machine does not give it: a port in use, a file that can't be
 * read or written, a full disk. Exit status 5. The message says what to do.
 */
export class SystemError extends Error {}
