// The code of an earlier release: its files from git in a separate folder, with the installed packages of this checkout and
// its own workspaces.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The release before the current one. */
export const OLDER = { version: "0.1", commit: "0f268e978d56f0b0e24f2c90210337ff1d1cc921" } as const;

/** Why its files are not available, or false: a shallow clone has only the newest commits. */
export function noOlder(): string | false {
  try {
    execFileSync("git", ["-C", ROOT, "cat-file", "-e", `${OLDER.commit}^{commit}`], { stdio: "ignore" });
    return false;
  } catch {
    return `the commit of Gantry ${OLDER.version} is not in this clone`;
  }
}

export type OlderTree = { readonly root: string; readonly remove: () => void };

export function checkOutOlder(): OlderTree {
  const root = mkdtempSync(join(tmpdir(), `gantry-${OLDER.version}-`));
  const archive = execFileSync("git", ["-C", ROOT, "archive", OLDER.commit], { maxBuffer: 256 * 1_048_576 });
  execFileSync("tar", ["-x", "-C", root], { input: archive });
  linkPackages(root);
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

function linkPackages(root: string): void {
  const installed = join(ROOT, "node_modules");
  const own = join(root, "node_modules");
  mkdirSync(join(own, "@gantry"), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name !== "@gantry") symlinkSync(join(installed, name), join(own, name));
  }
  for (const name of readdirSync(join(installed, "@gantry"))) symlinkSync(join(root, name), join(own, "@gantry", name));
}
