/** The report of `kg bench` as a file that can be sent to somebody: a page, or a picture. */

import type { Result } from "./bench_result.ts";
import { pageOf } from "./bench_page.ts";
import { svgOf } from "./bench_svg.ts";
import { complain } from "./output.ts";
import { SystemError } from "./system_error.ts";
import { UsageError } from "./usage_error.ts";
import { checkWritable, FOR_ALL, writeWholeFile } from "./whole_file.ts";

const FORMS: Readonly<Record<string, (result: Result, command: string) => string>> = {
  ".html": pageOf,
  ".svg": svgOf,
};

/**
 * What writes a file, with the command line in it.
 * @throws {UsageError} if it is neither a page nor a picture by its name
 * @throws {SystemError} if it could not be written
 */
export async function pictureWriter(
  path: string,
  command: string,
): Promise<(result: Result) => Promise<void>> {
  const form = FORMS[/\.[^./\\]*$/.exec(path)?.[0].toLowerCase() ?? ""];
  if (form === undefined) {
    throw new UsageError(`--report ${path}: give a name that ends in .html or .svg`);
  }
  await attempt(path, () => checkWritable(path));
  return async (result) => {
    const text = form(result, command);
    await attempt(path, () => writeWholeFile(path, (write) => write(text), FOR_ALL));
    complain(`kg bench: wrote ${path}`);
  };
}

async function attempt(path: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new SystemError(`--report ${path} can't be written: ${(error as Error).message}`);
  }
}
