// What a job of a pull request from a fork may do. It gets no secret, changes nothing outside, and sees nothing but the source of its
// app at the commit that a person has let run. The runner enforces it; the check of pipeline files says it before. Pure.

/** None of them changes anything outside, and only the checkout uses an account of the site. */
const FORK_STEPS: readonly string[] = [
  "artifact/download",
  "artifact/save",
  "build/detect",
  "build/run",
  "cache/restore",
  "cache/save",
  "git/checkout",
  "test/report",
  "test/run",
];

/** Why a step may not run for a pull request from a fork, as a sentence; undefined if it may. `uses` is undefined for a script. */
export function forkStepProblem({
  uses,
  isSiteWide,
}: {
  readonly uses: string | undefined;
  readonly isSiteWide: boolean;
}): string | undefined {
  if (isSiteWide) return "A pull request from a fork may not use `scope: site`.";
  if (uses === undefined || FORK_STEPS.includes(uses)) return undefined;
  return `A pull request from a fork may use scripts and only these steps: ${FORK_STEPS.join(", ")}.`;
}
