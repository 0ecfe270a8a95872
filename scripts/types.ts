/**
 * Makes kilogram.d.ts: the types of the library in one file, which is there without a build; and for each driver
 * a file in drivers/, which builds on it. With --check it only looks whether the files are as the source says.
 *
 *     bun scripts/types.ts [--check]
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DRIVERS = ["keyv", "rate-limit", "session", "unstorage"] as const;
const HEAD = `// Made from src/mod.ts by: npm run types
/// <reference lib="esnext.disposable" />`;

const COMMENT = /\/\*\*(?:[^*]|\*(?!\/))*\*\/\n?/;
const COMMENTS = new RegExp(COMMENT, "g");
/** What is declared at a file's top level, with the comment before it, up to what comes next. */
const DECLARATION = new RegExp(
  `^(?:${COMMENT.source})?(?:export )?(?:declare )?(?:class|interface|type|function|const) (\\w+)` +
    `[^]*?^(?=/\\*\\*|export|declare|interface|type|$(?![^]))`,
  "gm",
);
/** `export type { A, B } from "./x.ts";` and `export * from "./x.ts";` */
const EXPORT = /^export (type )?(?:\{([^}]*)\}|\*) from "(.*)\.ts";$/gm;

const { values } = parseArgs({ options: { check: { type: "boolean" } } });
for (const [name, types] of makeTypes()) {
  const file = join(ROOT, name);
  if (!values.check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, types);
  } else if (!existsSync(file) || readFileSync(file, "utf8") !== types) {
    console.error(`${name} is not what the source says: npm run types`);
    process.exit(1);
  }
}

/** By the names of the files. */
function makeTypes(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "kilogram-types-"));
  try {
    emit(folder);
    return new Map([
      ["kilogram.d.ts", rollUp(join(folder, "mod.d.ts"))],
      ...DRIVERS.map((name) => [`drivers/${name}.d.ts`, driverTypes(folder, name)] as const),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A driver's own types: it imports the library's face and nothing else that it shows. */
function driverTypes(folder: string, name: string): string {
  const source = `src/drivers/${name.replace("-", "_")}.ts`;
  const text = readFileSync(
    join(folder, source.replace("src/", "").replace(".ts", ".d.ts")),
    "utf8",
  );
  const head = `// Made from ${source} by: npm run types`;
  return `${head}\n\n${text.replaceAll('"../mod.ts"', '"../kilogram.js"').trim()}\n`;
}

function emit(folder: string): void {
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const args = ["-p", "tsconfig.build.json", "--declaration", "--emitDeclarationOnly"];
  const { status, stdout } = spawnSync(tsc, [...args, "--outDir", folder], { cwd: ROOT });
  if (status === 0) return;
  console.error(String(stdout));
  process.exit(1);
}

/** What a module exports, and what that is made of, as one module. */
function rollUp(entry: string): string {
  const module = readFileSync(entry, "utf8");
  const declarations = declarationsIn(filesBehind(entry));
  const exported = exportsOf(entry, module);
  const names = [...exported.keys()];
  // The list grows while it is walked over: by names of what each declaration is made of.
  for (const name of names) {
    const words = declarations.get(name)?.replaceAll(COMMENTS, "").match(/\w+/g) ?? [];
    names.push(...new Set(words.filter((word) => declarations.has(word) && !names.includes(word))));
  }
  const parts = names.map((name) => {
    const text = declarations.get(name) ?? "";
    return exported.get(name) === "here" ? text : text.replace(/^export /m, "");
  });
  const last = names.filter((name) => exported.get(name) === "as a type");
  const end = `export type { ${last.join(", ")} };`;
  const comment = COMMENT.exec(module)?.[0] ?? "";
  return `${[HEAD, comment, ...parts, end].map((part) => part.trim()).join("\n\n")}\n`;
}

/** A file and all that it imports, and what these import. */
function filesBehind(entry: string): Set<string> {
  const files = new Set([entry]);
  for (const file of files) {
    for (const [, from] of readFileSync(file, "utf8").matchAll(/from "(\..*)\.ts";$/gm)) {
      files.add(join(dirname(file), `${from}.d.ts`));
    }
  }
  return files;
}

function declarationsIn(files: Iterable<string>): Map<string, string> {
  const texts = [...files].map((file) => readFileSync(file, "utf8"));
  const found = texts.flatMap((text) => [...text.matchAll(DECLARATION)]);
  return new Map(found.map(([declaration, name]) => [name, declaration]));
}

/** The names that a module exports: where they are declared; a class that is only a type, by itself. */
function exportsOf(entry: string, module: string): Map<string, "here" | "as a type"> {
  const exported = new Map<string, "here" | "as a type">();
  for (const [, isType, list, from] of module.matchAll(EXPORT)) {
    const file = readFileSync(join(dirname(entry), `${from}.d.ts`), "utf8");
    const kinds = new Map(
      [...file.matchAll(/^export (?:declare )?(\w+) (\w+)/gm)].map((
        [, kind, name],
      ) => [name, kind]),
    );
    for (const name of list === undefined ? kinds.keys() : list.match(/\b(?!type\b)\w+/g) ?? []) {
      exported.set(name, isType && kinds.get(name) === "class" ? "as a type" : "here");
    }
  }
  return exported;
}
