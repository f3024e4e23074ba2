// The rules of `concurrency`, `priority` and `expires` in a pipeline file that its schema cannot express.

import type { PathProblem } from "../issues.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { didYouMean } from "../suggest.ts";
import { priorityProblem } from "../task/priority.ts";

export function goodConcurrency(context: RuleContext): readonly PathProblem[] {
  return [...goodPolicy(context), ...goodJobGroups(context), ...goodPriority(context), ...usefulExpiry(context)];
}

/** `until` and `same` are about canceling, `limit` is about waiting. */
function goodPolicy({ pipeline: { concurrency, jobs } }: RuleContext): readonly PathProblem[] {
  if (concurrency === undefined) return [];
  const { policy, until, same, limit } = concurrency;
  const misplaced = Object.entries({ until, same }).flatMap(([key, value]): PathProblem[] =>
    value === undefined || policy === "cancel-older"
      ? []
      : [{ path: ["concurrency", key], detail: `${key} is only for \`policy: cancel-older\``, on: "key" }],
  );
  const many = limitProblems({ policy, limit }, ["concurrency"]);
  const ids = jobs.map(({ id }) => id);
  const unknown: readonly PathProblem[] =
    until === undefined || ids.includes(until)
      ? []
      : [{ path: ["concurrency", "until"], detail: `there is no job ${until}${didYouMean(until, ids)}`, on: "value" }];
  return [...misplaced, ...many, ...unknown];
}

function limitProblems(
  { policy, limit = 1 }: { readonly policy: string; readonly limit?: number | undefined },
  path: PathProblem["path"],
): readonly PathProblem[] {
  if (limit === 1 || policy !== "cancel-older") return [];
  const detail = "limit is not for `policy: cancel-older`: a new one cancels all older ones";
  return [{ path: [...path, "limit"], detail, on: "key" }];
}

/** A group has one name. */
function goodJobGroups({ pipeline }: RuleContext): readonly PathProblem[] {
  const all = [
    ...pipeline.jobs.map((job) => ({ job, path: ["jobs", job.id, "concurrency"] })),
    ...pipeline.finally.map((job) => ({ job, path: ["finally", job.id, "concurrency"] })),
  ];
  return all.flatMap(({ job: { concurrency, deploys }, path }): readonly PathProblem[] => {
    if (concurrency === undefined) return [];
    const { group, per } = concurrency;
    const problem = (detail: string): PathProblem => ({ path, detail, on: "key" });
    if ((group === undefined) === (per === undefined)) return [problem("write `group`, or `per: target`")];
    if (per !== undefined && deploys === undefined)
      return [problem("`per: target` is for a job that deploys: it needs `deploys`")];
    return limitProblems(concurrency, path);
  });
}

function goodPriority({ pipeline: { priority } }: RuleContext): readonly PathProblem[] {
  if (typeof priority !== "string" || priority.includes("${{")) return [];
  const detail = priorityProblem(priority);
  return detail === undefined ? [] : [{ path: ["priority"], detail, on: "value" }];
}

function usefulExpiry({ pipeline }: RuleContext): readonly PathProblem[] {
  const places = [
    { ms: pipeline.expiresMs, path: [] },
    ...pipeline.jobs.map(({ id, expiresMs: ms }) => ({ ms, path: ["jobs", id] })),
    ...pipeline.finally.map(({ id, expiresMs: ms }) => ({ ms, path: ["finally", id] })),
  ];
  return places
    .filter(({ ms }) => ms === 0)
    .map(({ path }) => ({ path: [...path, "expires"], detail: "expires must be longer than 0", on: "value" }));
}
