// The rules of `concurrency`, `priority` and `expires` in a pipeline file that its schema cannot express.

import type { PathProblem } from "../issues.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { didYouMean } from "../suggest.ts";
import { priorityProblem } from "../task/priority.ts";

export function goodConcurrency(context: RuleContext): readonly PathProblem[] {
  return [...goodPolicy(context), ...goodPriority(context), ...usefulExpiry(context)];
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
  const many: readonly PathProblem[] =
    limit === undefined || limit === 1 || policy !== "cancel-older"
      ? []
      : [
          {
            path: ["concurrency", "limit"],
            detail: "limit is not for `policy: cancel-older`: a new task cancels all older ones",
            on: "key",
          },
        ];
  const ids = jobs.map(({ id }) => id);
  const unknown: readonly PathProblem[] =
    until === undefined || ids.includes(until)
      ? []
      : [{ path: ["concurrency", "until"], detail: `there is no job ${until}${didYouMean(until, ids)}`, on: "value" }];
  return [...misplaced, ...many, ...unknown];
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
