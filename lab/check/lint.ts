// `npm run check` runs this beside the other checks: biome, for the files that changed since it last found nothing in them.
// What biome finds in a file depends on this file and on settings alone (lab/repo-checks/lint-settings.test.ts).

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");
const BIOME = join(ROOT, "node_modules/@biomejs/biome");

/** The settings of biome, and what it takes settings from. The packages of a project decide which rules it recommends. */
const SETTINGS = /(^|\/)(\.?biome\.jsonc?|package\.json|\.editorconfig|\.gitignore|tsconfig\.json)$/;
const passedSchema = z.array(z.string());

export type Linting = { readonly hasPassed: boolean; readonly output: string; readonly checked: readonly string[] };

/**
 * Checks the files of the git repository `root` that git does not ignore. `cache`: a folder for the hashes of files in which
 * nothing was found. A change of the settings or of biome's version checks all of them again.
 */
export function lint(root: string, cache: string): Linting {
  const store = join(cache, "lint.json");
  const hashes = hashesOf(root);
  const before = readPassed(store);
  const checked = [...hashes].filter(([, hash]) => !before.has(hash)).map(([path]) => path);
  const { hasPassed, output } = checked.length === 0 ? { hasPassed: true, output: "" } : runBiome(root, checked);
  const isKept = ([, hash]: readonly [string, string]) => hasPassed || before.has(hash);
  writePassed(
    cache,
    store,
    [...hashes].filter(isKept).map(([, hash]) => hash),
  );
  return { hasPassed, output, checked };
}

function hashesOf(root: string): ReadonlyMap<string, string> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
  const texts = new Map([...new Set(listed)].sort().flatMap((path) => readText(root, path)));
  const settings = createHash("sha256").update(readFileSync(join(BIOME, "package.json")));
  for (const [path, text] of texts) if (SETTINGS.test(path)) settings.update(`${path}\0`).update(text).update("\0");
  const shared = settings.digest();
  const hashOf = (path: string, text: Buffer): string =>
    createHash("sha256").update(shared).update(`${path}\0`).update(text).digest("base64");
  return new Map([...texts].map(([path, text]) => [path, hashOf(path, text)]));
}

/** Nothing for a file that was deleted but not committed yet, and for a submodule. */
function readText(root: string, path: string): readonly (readonly [string, Buffer])[] {
  if (path === "") return [];
  try {
    return [[path, readFileSync(join(root, path))]];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR") return [];
    throw error;
  }
}

function runBiome(root: string, paths: readonly string[]): { readonly hasPassed: boolean; readonly output: string } {
  // A warning counts: the next run would not show it again. Of a text or an image, biome checks nothing.
  const options = ["check", "--error-on-warnings", "--no-errors-on-unmatched"];
  const args = [join(BIOME, "bin/biome"), ...options, "--", ...paths];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (error) throw error;
  return { hasPassed: status === 0, output: stdout + stderr };
}

/** Nothing when the file is missing or damaged: then all files are checked. */
function readPassed(store: string): ReadonlySet<string> {
  try {
    return new Set(passedSchema.parse(JSON.parse(readFileSync(store, "utf8"))));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return new Set();
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Set();
    throw error;
  }
}

/** In one step, because two checks may run at once. */
function writePassed(cache: string, store: string, hashes: readonly string[]): void {
  mkdirSync(cache, { recursive: true });
  const fresh = `${store}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(hashes));
  renameSync(fresh, store);
}

if (import.meta.main) {
  const { hasPassed, output } = lint(ROOT, join(ROOT, "node_modules/.cache/gantry"));
  process.stdout.write(output);
  if (!hasPassed) {
    process.stdout.write("npm run fix formats all files and corrects much of the rest\n");
    process.exitCode = 1;
  }
}
