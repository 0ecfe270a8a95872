/** The report of `kg bench` as a file that can be sent to somebody: a page, or a picture. */

import type { Result } from "./bench_result.ts";
import { pageOf } from "./bench_page.ts";
import { svgOf } from "./bench_svg.ts";
import { complain } from "./output.ts";
import { UsageError } from "./usage_error.ts";
import { checkWritable, FOR_ALL, writeWholeFile } from "./whole_file.ts";

const FORMS: Readonly<Record<string, (result: Result, command: string) => string>> = {
  ".html": pageOf,
  ".svg": svgOf,
};

/**
 * What writes a file, with the command line in it.
 * @throws {UsageError} if it is neither a page nor a picture by its name, or could not be written
 */
export function pictureWriter(path: string, command: string): (result: Result) => Promise<void> {
  const form = FORMS[/\.[^./\\]*$/.exec(path)?.[0].toLowerCase() ?? ""];
  if (form === undefined) {
    throw new UsageError(`--report ${path}: give a name that ends in .html or .svg`);
  }
  attempt(path, () => checkWritable(path));
  return async (result) => {
    const text = form(result, command);
    await attempt(path, () => writeWholeFile(path, (write) => write(text), FOR_ALL));
    complain(`kg bench: wrote ${path}`);
  };
}

function attempt<T>(path: string, run: () => T): T {
  const fail = (error: unknown): never => {
    const { message } = error as Error;
    throw new UsageError(`--report ${path} can't be written: ${message}`);
  };
  try {
    const done = run();
    return done instanceof Promise ? done.catch(fail) as T : done;
  } catch (error) {
    return fail(error);
  }
}
