/** What was typed, or set up, is wrong: exit status 2. The message says what to do. */
export class UsageError extends Error {}
