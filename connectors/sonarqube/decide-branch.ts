// Where an analysis is filed. An analysis of another branch must never count as one of the main branch: it would move the
// main branch's new-code period and affect its gate. Pure.

export type BranchPlace = {
  readonly projectKey: string;
  /** Value of `sonar.branch.name`; undefined: the project's main branch. */
  readonly branch: string | undefined;
};

/** What SonarQube allows in a project key, and its longest length. */
const MAX_KEY = 400;

/**
 * A branch besides the main one is a branch of the project where the server can do that (Developer Edition or above, or a
 * plugin), else a project of its own: `orders:feature-x`.
 */
export function decideBranch(
  projectKey: string,
  branch: string | undefined,
  mainBranch: string,
  hasBranches: boolean,
): BranchPlace {
  const name = branch?.replace(/^refs\/(heads|tags)\//, "");
  if (name === undefined || name === mainBranch) return { projectKey, branch: undefined };
  if (hasBranches) return { projectKey, branch: name };
  const suffix = name.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^-+|-+$/g, "") || "branch";
  return { projectKey: `${projectKey}:${suffix}`.slice(0, MAX_KEY), branch: undefined };
}
