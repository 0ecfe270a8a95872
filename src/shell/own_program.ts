/** How this program is started once more, on whatever runtime it runs. */

/** Where the files of a compiled program lie: on Unix, and on Windows. */
const COMPILED = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/i;

/** The program and its first arguments. */
export function ownProgram(argv = process.argv, runtime = process.execPath): string[] {
  const [, script = ""] = argv;
  if (COMPILED.test(script)) return [runtime];
  return "Deno" in globalThis ? [runtime, "run", "-A", script] : [runtime, script];
}
