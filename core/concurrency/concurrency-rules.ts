// The rules of `concurrency`, `priority` and `expires` in a pipeline file that its schema cannot express.

import { referencesIn } from "../expr/template.ts";
import type { PathProblem } from "../issues.ts";
import { possibleTexts } from "../pipeline/never-true.ts";
import type { Job } from "../pipeline/pipeline.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { typesOf } from "../pipeline/template-sources.ts";
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
  return all.flatMap(({ job, path }): readonly PathProblem[] => {
    const { concurrency, deploys } = job;
    if (concurrency === undefined) return [];
    const { group, per } = concurrency;
    const problem = (detail: string): PathProblem => ({ path, detail, on: "key" });
    if ((group === undefined) === (per === undefined)) return [problem("write `group`, or `per: target`")];
    if (per !== undefined && deploys === undefined)
      return [problem("`per: target` is for a job that deploys: it needs `deploys`")];
    const rivals = rivalsIn(job);
    return [...limitProblems(concurrency, path), ...(rivals === undefined ? [] : [problem(rivals)])];
  });
}

/** The jobs of a list that come to one group at the same time: they would not wait for each other. */
function rivalsIn({ each, matrix, maxParallel = Infinity, concurrency, deploys = "" }: Job): string | undefined {
  if ((each === undefined && matrix === undefined) || concurrency === undefined) return undefined;
  const { policy, limit = 1, group = deploys } = concurrency;
  const elements = Array.isArray(each) ? each.length : Infinity;
  const atOnce = Math.min(elements, maxParallel);
  const isOwn = referencesIn(group).some(({ variable }) => variable === "each" || variable === "site");
  if (isOwn || atOnce <= limit || policy === "queue") return undefined;
  const end = policy === "reject" ? "are refused while the first ones run" : "cancel each other";
  return `all its jobs are in one group, so with \`policy: ${policy}\` they ${end}; name \`each\` in the group`;
}

function goodPriority(context: RuleContext): readonly PathProblem[] {
  const { priority } = context.pipeline;
  if (typeof priority !== "string") return [];
  const problem = (detail: string): readonly PathProblem[] => [{ path: ["priority"], detail, on: "value" }];
  if (priority.includes("${{")) {
    const [type, ...others] = typesOf(context, priority) ?? ["string"];
    if (others.length > 0 || type !== "string") return problem("priority must be text: low, normal or high");
  }
  const wrong = possibleTexts(context, ["priority"]).find((text) => priorityProblem(text) !== undefined);
  return wrong === undefined ? [] : problem(priorityProblem(wrong) ?? "");
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
