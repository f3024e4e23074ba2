// `gantry version` and `gantry --version`.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import type { Io } from "./io.ts";
import manifest from "./package.json" with { type: "json" };

const USAGE = `Usage: gantry version [--json]

Prints the version and, if it is known, the commit: from git in a checkout, from GANTRY_REVISION in an image.
`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMIT = /^[0-9a-f]{7,64}$/;
const GIT_LIMIT_MS = 5_000;

export async function version(argv: readonly string[], io: Pick<Io, "stdout" | "stderr" | "env">): Promise<number> {
  const { json, help, problem } = readArguments(argv);
  if (help) {
    io.stdout(USAGE);
    return 0;
  }
  if (problem !== undefined) {
    io.stderr(`${problem}\n\n${USAGE}`);
    return 2;
  }
  const commit = await commitOf(ROOT, io.env.GANTRY_REVISION);
  const { version } = manifest;
  if (json) io.stdout(`${JSON.stringify({ name: "gantry", version, commit: commit ?? null })}\n`);
  else io.stdout(`gantry ${version}${commit === undefined ? "" : ` (${commit.slice(0, 12)})`}\n`);
  return 0;
}

/** Only when the folder itself is a repository: one that contains it is another project. */
async function commitOf(root: string, given: string | undefined): Promise<string | undefined> {
  if (!existsSync(join(root, ".git"))) return given !== undefined && COMMIT.test(given) ? given : undefined;
  try {
    const { stdout } = await promisify(execFile)("git", ["-C", root, "rev-parse", "HEAD"], { timeout: GIT_LIMIT_MS });
    return COMMIT.test(stdout.trim()) ? stdout.trim() : undefined;
  } catch {
    // git is not installed, or may not read the folder: only the version is known.
    return undefined;
  }
}

function readArguments(argv: readonly string[]): { json?: boolean; help?: boolean; problem?: string } {
  try {
    const options = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
    return parseFlags(argv, options, { positionals: false }).values;
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
