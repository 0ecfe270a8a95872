/** Why a socket could not be bound, in plain words. */

export function bindProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "EADDRINUSE":
      return "it is in use; choose another, or stop the program that uses it";
    case "EADDRNOTAVAIL":
      return "this machine has no such address";
    case "EACCES":
      return "it is not permitted; ports below 1024 need root, folders need their owner";
    case "ENOENT":
      return "its folder does not exist";
    default:
      return message;
  }
}
