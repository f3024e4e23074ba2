// `gantry version` and `gantry --version`.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import manifest from "./package.json" with { type: "json" };
import type { Call, Outcome } from "./table/command.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMIT = /^[0-9a-f]{7,64}$/;
const GIT_LIMIT_MS = 5_000;

export async function version({ io }: Call): Promise<Outcome> {
  const commit = await commitOf(ROOT, io.env.GANTRY_REVISION);
  const { version } = manifest;
  return {
    value: { name: "gantry", version, commit: commit ?? null },
    text: `gantry ${version}${commit === undefined ? "" : ` (${commit.slice(0, 12)})`}\n`,
  };
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
