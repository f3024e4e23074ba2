// Rules for what holds a job: `approval` and `environment`.

import type { PathProblem } from "../issues.ts";
import { approversProblems } from "./approval.ts";
import { patternBudget } from "./json-schema.ts";
import type { Job, ParamSchema } from "./pipeline.ts";
import type { RuleContext } from "./rule.ts";
import { checkParam } from "./rules-params.ts";

export function goodApprovals({ pipeline }: RuleContext): readonly PathProblem[] {
  return [
    ...pipeline.jobs.flatMap((job) => ofJob(job, ["jobs", job.id])),
    ...pipeline.finally.flatMap((job) => inFinally(job, ["finally", job.id])),
  ];
}

function ofJob({ approval }: Job, path: readonly string[]): readonly PathProblem[] {
  if (approval === undefined) return [];
  const budget = patternBudget();
  const inputs = Object.entries(approval.inputs?.properties ?? {}).flatMap(([name, param]) => {
    const at = [...path, "approval", "inputs", name];
    return [...checkParam(param, at, budget), ...checkInput(param, at)];
  });
  const people = approversProblems(approval).map(({ path: key, detail }): PathProblem => {
    return { path: [...path, "approval", key], detail, on: "value" };
  });
  return [...people, ...inputs];
}

/** The answer stands in the history of the task, and the form is the same for every job. */
function checkInput(param: ParamSchema, path: readonly string[]): readonly PathProblem[] {
  const at = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "value" });
  return [
    ...(param.secret === true
      ? [at("secret", "what an approver answers is shown to everybody: use a secret of the site")]
      : []),
    ...(param["x-ui"] === "build" || param["x-ui"] === "target"
      ? [
          at(
            "ui",
            `an input of an approval cannot have \`ui: ${param["x-ui"]}\`: the task has its build and targets already`,
          ),
        ]
      : []),
  ];
}

/** A job of `finally` always runs, so nothing may hold it. */
function inFinally({ approval, environment }: Job, path: readonly string[]): readonly PathProblem[] {
  return Object.entries({ approval, environment }).flatMap(([key, value]): readonly PathProblem[] => {
    if (value === undefined) return [];
    return [{ path: [...path, key], detail: `a job of finally always runs, so it cannot have \`${key}\``, on: "key" }];
  });
}
