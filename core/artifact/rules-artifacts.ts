// Rules for `artifacts:`, `download:` and `cache:` that their form cannot express.

import type { Path, PathProblem } from "../issues.ts";
import type { Job } from "../pipeline/pipeline.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { didYouMean } from "../suggest.ts";
import { isArtifactPath, isRetention, RETENTION } from "./artifact.ts";
import { isCheckout } from "./artifact-steps.ts";

/** Keys of ours and of other systems, which would be taken for names. */
const NO_ARTIFACTS = [
  "paths",
  "name",
  "when",
  "retention",
  "optional",
  "expire_in",
  "exclude",
  "untracked",
  "expose_as",
];
const NO_CACHES = ["paths", "files", "key", "fallback", "fallback_keys", "policy", "when", "untracked"];

export function goodArtifacts({ pipeline }: RuleContext): readonly PathProblem[] {
  const jobs = [...pipeline.jobs, ...pipeline.finally];
  const main = pipeline.jobs.map(({ id }) => id);
  const place = (part: string, job: Job): Path => [part, job.id];
  return [
    ...pipeline.jobs.flatMap((job) => ofJob(job, place("jobs", job), jobs, job.needs)),
    ...pipeline.finally.flatMap((job) => ofJob(job, place("finally", job), jobs, [...main, ...job.needs])),
  ];
}

function ofJob(job: Job, path: Path, jobs: readonly Job[], needs: readonly string[]): readonly PathProblem[] {
  return [...wrongArtifacts(job, path), ...wrongCaches(job, path), ...wrongDownloads(job, path, jobs, needs)];
}

function wrongArtifacts({ artifacts = [] }: Job, path: Path): readonly PathProblem[] {
  return artifacts.flatMap(({ name, paths, retentionMs }): PathProblem[] => {
    const at = [...path, "artifacts", name];
    const leading = paths.filter((pattern) => !isPattern(pattern));
    if (NO_ARTIFACTS.includes(name)) {
      const detail = `${name} would be the name of an artifact: write artifacts: { NAME: { paths: … } }`;
      return [{ path: at, detail, on: "key" }];
    }
    return [
      ...leading.map((pattern) => ({
        path: at,
        detail: `the path ${pattern} must be below the workspace, without \`..\`, \`./\` and expressions`,
        on: "value" as const,
      })),
      ...(leading.length > 0 ? [] : nothingLeft(paths, at)),
      ...(isRetention(retentionMs) ? [] : [{ path: [...at, "retention"], detail: RETENTION, on: "value" as const }]),
    ];
  });
}

/** What every job would leave out: everything is excluded, or in `.git`. */
function nothingLeft(paths: readonly string[], at: Path): readonly PathProblem[] {
  const problem = (detail: string): PathProblem => ({ path: at, detail, on: "value" });
  const excluded = paths.filter((pattern) => pattern.startsWith("!")).map((pattern) => withoutSlash(pattern.slice(1)));
  const named = paths.filter((pattern) => !pattern.startsWith("!"));
  if (named.length === 0) return [problem("all its paths exclude files; name some to save")];
  const hidden = named.filter((pattern) => excluded.includes(withoutSlash(pattern)));
  return [
    ...hidden.map((pattern) => problem(`the path ${pattern} is excluded again, so nothing of it is saved`)),
    ...named
      .filter((pattern) => pattern.split("/").includes(".git"))
      .map((pattern) => problem(`nothing of the path ${pattern} is saved: .git is always left out`)),
  ];
}

function withoutSlash(pattern: string): string {
  return pattern.replace(/\/$/, "");
}

function wrongCaches({ cache = [], steps }: Job, path: Path): readonly PathProblem[] {
  if (cache.length === 0) return [];
  if (!steps.some(isCheckout)) {
    const detail = "a cache belongs to a branch, so a job with `cache` needs a step git/checkout";
    return [{ path: [...path, "cache"], detail, on: "key" }];
  }
  return cache.flatMap(({ name, paths, files }): PathProblem[] => {
    const at = [...path, "cache", name];
    if (NO_CACHES.includes(name)) {
      const detail = `${name} would be the name of a cache: write cache: { NAME: { paths: … } }`;
      return [{ path: at, detail, on: "key" }];
    }
    const isWrong = (one: string): boolean => !isPattern(one.replace(/^(!?)~\//, "$1")) || one === "~";
    const wrong = [...paths, ...files].filter(isWrong);
    if (wrong.length === 0) return [...nothingLeft(paths, at)];
    return wrong.map((one) => ({
      path: at,
      detail: `the path ${one} must be below the workspace, or below the home with ~/, without \`..\`, \`./\` and expressions`,
      on: "value",
    }));
  });
}

/** A pattern is a path whose parts may have wildcards. */
function isPattern(pattern: string): boolean {
  const path = pattern.replace(/^!/, "").replace(/\/$/, "");
  return isArtifactPath(path) && !path.includes("${{");
}

function wrongDownloads(
  { id, download = [] }: Job,
  path: Path,
  jobs: readonly Job[],
  needs: readonly string[],
): readonly PathProblem[] {
  return download.flatMap(({ job, artifact, to }, index): PathProblem[] => {
    const at = [...path, "download", index];
    const from = jobs.find((one) => one.id === job);
    const wrong = (detail: string): PathProblem => ({ path: at, detail, on: "value" });
    if (to !== "." && !isPattern(to)) return [wrong(`the folder ${to} must be below the workspace`)];
    if (from === undefined)
      return [
        wrong(
          `there is no job ${job}${didYouMean(
            job,
            jobs.map((one) => one.id),
          )}`,
        ),
      ];
    if (!needs.includes(job)) return [wrong(`${id} does not need the job ${job}; add it to \`needs\``)];
    // A step of the job may save more than its keyword says.
    if (from.steps.some(({ action }) => action.kind === "uses" && action.uses === "artifact/save")) return [];
    if (artifact !== undefined && mayBeOutput(from, artifact)) return [];
    const names = (from.artifacts ?? []).map(({ name }) => name);
    if (names.length === 0) return [wrong(`the job ${job} saves no artifacts`)];
    return artifact === undefined || names.includes(artifact)
      ? []
      : [wrong(`the job ${job} saves no artifact ${artifact}${didYouMean(artifact, names)}`)];
  });
}

/** An output of a script that is a file is the artifact `<step>.<output>`. Which outputs a script writes is not in the file. */
function mayBeOutput({ steps }: Job, artifact: string): boolean {
  return steps.some(({ id, action }) => action.kind === "run" && artifact.startsWith(`${id}.`));
}
