/**
 * The shell: a prompt for the commands of the command line. Each runs as a process of its own, so Ctrl-C
 * ends the command and not the shell, and the terminal is the command's while it runs.
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface, type Interface } from "node:readline";
import type { Completion } from "./completer.ts";
import type { LineHistory } from "./line_history.ts";
import { MAX_LINES } from "./line_history.ts";
import { wordsOf } from "./words.ts";

export interface ShellPorts {
  readonly prompt: string;
  readonly history: LineHistory;
  readonly complete: (line: string) => Promise<Completion>;
  /** The program and its first arguments. */
  readonly program: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Prints a line to standard error. */
  readonly complain: (line: string) => void;
}

const LEAVE = new Set(["exit", "quit", "q", "bye"]);
/** As a POSIX shell has it: what a process that a signal ended is taken to have ended with. */
const SIGNALLED = 128;
/** As kg has it for what this machine refuses. */
const NOT_STARTED = 5;

/** Until end of input or `exit`. @returns the status of the last command */
export async function runShell(ports: ShellPorts): Promise<number> {
  const isTerminal = Boolean(process.stdin.isTTY);
  const lines = isTerminal ? new Prompt(ports) : new Script();
  let status = 0;
  try {
    for (let line = await lines.next(); line !== null; line = await lines.next()) {
      const { words, open } = wordsOf(line);
      if (words.length === 0) continue;
      if (open !== "") {
        ports.complain(`kg: there is no closing ${open}`);
        status = 2;
        continue;
      }
      if (words.length === 1 && LEAVE.has(words[0])) break;
      status = await run(words[0] === "kg" ? words.slice(1) : words, ports);
    }
  } finally {
    lines.close();
  }
  return status;
}

async function run(words: readonly string[], ports: ShellPorts): Promise<number> {
  // kg alone is the shell, too.
  const [name = "shell"] = words;
  if (name === "shell") {
    ports.complain("kg: this is the shell already; exit or Ctrl-D ends it");
    return 2;
  }
  const [file, ...args] = [...ports.program, ...words];
  // It is the command that Ctrl-C is meant for.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    // The lines of a script are no command's input.
    const input = process.stdin.isTTY ? "inherit" : "ignore";
    const child = spawn(file, args, { env: ports.env, stdio: [input, "inherit", "inherit"] });
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(code ?? statusOf(signal)));
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT"
      ? `${file} is not there any more`
      : "it is too long, or has a NUL";
    ports.complain(`kg: the line can't be carried out (${code}): ${why}`);
    return NOT_STARTED;
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** As a POSIX shell tells of a process that a signal ended. */
function statusOf(signal: NodeJS.Signals | null): number {
  return SIGNALLED + (signal === null ? 0 : constants.signals[signal]);
}

/** Lines that a person types. Between two lines the terminal is not read, and belongs to the command. */
class Prompt {
  readonly #ports: ShellPorts;
  #isOver = false;
  /** Lines of a paste that came together, and what came behind the last of them. */
  readonly #waiting: string[] = [];
  #begun = "";

  constructor(ports: ShellPorts) {
    this.#ports = ports;
  }

  /** @returns null at the end of input */
  async next(): Promise<string | null> {
    if (this.#waiting.length === 0 && !this.#isOver) await this.#read();
    return this.#waiting.shift() ?? null;
  }

  async #read(): Promise<void> {
    const { prompt, history, complete } = this.#ports;
    let completing: Promise<void> = Promise.resolve();
    const readline = createInterface({
      ...{ input: process.stdin, output: process.stdout, prompt, terminal: true },
      ...{ history: history.newestFirst, historySize: MAX_LINES, removeHistoryDuplicates: true },
      completer: (line: string, done: (error: null, completion: Completion) => void) => {
        completing = complete(line).then((completion) => done(null, completion));
      },
    });
    await new Promise<void>((resolve) => {
      readline.on("line", (line) => {
        this.#waiting.push(line);
        history.add(line);
        resolve();
      });
      readline.on("close", () => resolve());
      readline.on("SIGINT", () => clear(readline));
      // Back from Ctrl-Z: node:readline has paused its input.
      readline.on("SIGCONT", () => readline.prompt(true));
      readline.prompt();
      if (this.#begun !== "") readline.write(this.#begun);
    });
    this.#begun = readline.line;
    this.#isOver = this.#waiting.length === 0;
    if (this.#isOver) process.stdout.write("\n");
    // In a paste a tab may be followed by the end of the line: node:readline goes on when it has its words.
    else await completing;
    readline.close();
  }

  close(): void {}
}

/** Ctrl-C: what was typed is given up. */
function clear(readline: Interface): void {
  process.stdout.write("^C\n");
  readline.write(null, { ctrl: true, name: "e" });
  readline.write(null, { ctrl: true, name: "u" });
  readline.prompt();
}

/** Lines of a file or a pipe. */
class Script {
  readonly #readline = createInterface({ input: process.stdin });
  readonly #lines = this.#readline[Symbol.asyncIterator]();

  async next(): Promise<string | null> {
    const { value, done } = await this.#lines.next();
    return done ? null : value;
  }

  close(): void {
    this.#readline.close();
  }
}
