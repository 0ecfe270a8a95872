/**
 * Fails if files in src/ import each other in a circle, type imports and dynamic imports included:
 *
 *     bun scripts/circles.ts
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../src", import.meta.url));
/** `from "./x.ts"`, `import "./x.ts"` and `import("./x.ts")`. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)"(\.{1,2}\/[^"]+)"/g;

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(SRC, name));
const importsOf = new Map(files.map((file) => [file, readImports(file)]));
const circle = findCircle();
if (circle !== null) {
  console.error(`A circle of imports:\n${circle.map((file) => relative(SRC, file)).join("\n")}`);
  process.exit(1);
}
console.log(`${files.length} files import each other without a circle.`);

function readImports(file: string): string[] {
  const text = readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  return [...text.matchAll(IMPORT)].map(([, path]) => join(dirname(file), path));
}

/** The files of a circle, the first one repeated at the end; null if there is none. */
function findCircle(): string[] | null {
  const seen = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | null => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (seen.has(file)) return null;
    seen.add(file);
    path.push(file);
    for (const imported of importsOf.get(file) ?? []) {
      const circle = visit(imported);
      if (circle !== null) return circle;
    }
    path.pop();
    return null;
  };
  for (const file of files) {
    const circle = visit(file);
    if (circle !== null) return circle;
  }
  return null;
}
