/** The user must type something else: exit status 2. The message says what to do. */
export class UsageError extends Error {}
