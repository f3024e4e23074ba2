// `npm run check` runs this beside the other checks: the compiler, which finds mistakes in types. It keeps what it found in
// a file, so that the next run only checks files that changed, and files that use these.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

/** `output`: a line `path(line,column): error TS1234: text` per mistake. */
export type Compilation = { readonly hasPassed: boolean; readonly output: string };

/**
 * Checks the project of `root`, a folder with a `tsconfig.json`. `cache`: a folder for what the compiler found. The compiler
 * itself compares the text of every file, the configuration and its own version with it. It cannot know whether a file
 * that it can read is still what it wrote: a checksum shows that, and a damaged file is removed.
 */
export function compile(root: string, cache: string): Compilation {
  mkdirSync(cache, { recursive: true });
  const found = join(cache, "types.tsbuildinfo");
  const checksum = join(cache, "types.sha256");
  const before = checksumOf(found);
  if (before === undefined || before !== textOf(checksum)?.toString()) rmSync(found, { recursive: true, force: true });
  const args = [TSC, "--project", root, "--pretty", "false", "--incremental", "--tsBuildInfoFile", found];
  // The compiler is a program in Go. Its garbage collector takes a sixth of its CPU time, so it only runs when it must.
  const env = { GOGC: "off", GOMEMLIMIT: "3GiB", ...process.env };
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", env });
  if (error) throw error;
  writeFileSync(checksum, checksumOf(found) ?? "");
  return { hasPassed: status === 0, output: stdout + stderr };
}

function checksumOf(path: string): string | undefined {
  const bytes = textOf(path);
  return bytes && createHash("sha256").update(bytes).digest("hex");
}

/** Undefined when there is no such file. */
function textOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR") return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const { hasPassed, output } = compile(ROOT, join(ROOT, "node_modules/.cache/gantry"));
  process.stdout.write(output);
  if (!hasPassed) process.exitCode = 1;
}
