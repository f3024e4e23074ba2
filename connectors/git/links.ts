// The symbolic links of a commit, checked before they are made in a workspace.

import { isLossy, linkProblem, MODE, type TreeEntry } from "./decide-contents.ts";
import type { Git } from "./git.ts";
import { type Mirror, refused } from "./mirror.ts";
import { plainLine } from "./names.ts";

/** Throws `system-refused` when a link leads out of the repository or into `.git`, or cannot be checked. */
export async function checkLinks(mirror: Mirror, git: Git, entries: readonly TreeEntry[]): Promise<void> {
  const links = entries.filter(({ mode }) => mode === MODE.link);
  if (links.length === 0) return;
  const input = links.map(({ object }) => `${object}\n`).join("");
  const lines = (await git(["cat-file", "--batch=%(objectname)"], { input })).split("\n");
  // One line with the name, one with the target: a target with a line end in it breaks that.
  const targets = new Map(links.map(({ path }, index) => [path, lines[2 * index + 1] ?? ""]));
  if (targets.size < links.length) {
    const lossy = links.find(({ path }) => isLossy(path))?.path ?? "";
    throw refused(
      mirror,
      `symbolic links have names that are not UTF-8 and look the same: ${plainLine(lossy)}; rename them`,
    );
  }
  const odd = links.findIndex(({ object }, index) => lines[2 * index] !== object);
  if (odd !== -1 || lines.length !== 2 * links.length + 1)
    throw refused(mirror, "a symbolic link has a line end in it");
  for (const [path, target] of targets) {
    const problem = linkProblem(targets, path);
    if (problem === undefined) continue;
    throw refused(mirror, `the symbolic link ${plainLine(path)} → ${plainLine(target)} ${problem}`);
  }
}
