/** Wrong usage or setup: exit status 2. The message says what to do. */
export class UsageError extends Error {}
