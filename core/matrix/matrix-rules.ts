// The rules of `each`, `matrix`, `maxParallel` and `failFast` in a pipeline file.

import { checkExpression } from "../expr/expression.ts";
import { withTrials } from "../expr/trials.ts";
import type { Path, PathProblem } from "../issues.ts";
import type { JsonObject } from "../json.ts";
import type { Job } from "../pipeline/pipeline.ts";
import { placesOf } from "../pipeline/places.ts";
import type { RuleContext } from "../pipeline/rule.ts";
import { sourcesIn } from "../pipeline/template-sources.ts";
import { didYouMean } from "../suggest.ts";
import { type Combination, combinationsOf, hasAll, MAX_EXPANDED, sizeOf } from "./matrix.ts";

export function goodMatrices(context: RuleContext): readonly PathProblem[] {
  const { pipeline } = context;
  const jobs = [
    ...pipeline.jobs.map((job) => ({ job, path: ["jobs", job.id] })),
    ...pipeline.finally.map((job) => ({ job, path: ["finally", job.id] })),
  ];
  return jobs.flatMap(({ job, path }) => [...onlyOfMany(job, path), ...goodMatrix(context, job, path)]);
}

/** What is about the jobs that one job of the file becomes. */
function onlyOfMany({ each, matrix, maxParallel, failFast }: Job, path: Path): readonly PathProblem[] {
  const at = (key: string, detail: string): PathProblem => ({ path: [...path, key], detail, on: "key" });
  if (each !== undefined && matrix !== undefined) return [at("matrix", "a job has `each` or `matrix`, not both")];
  if (each !== undefined || matrix !== undefined) return [];
  return Object.entries({ maxParallel, failFast }).flatMap(([key, value]) =>
    value === undefined ? [] : [at(key, `\`${key}\` is for a job with \`each\` or \`matrix\``)],
  );
}

function goodMatrix(context: RuleContext, job: Job, path: Path): readonly PathProblem[] {
  const { matrix, matrixInclude = [], matrixExclude = [] } = job;
  if (matrix === undefined) return [];
  const place = [...path, "matrix"];
  const size = sizeOf(matrix);
  if (size > MAX_EXPANDED)
    return [{ path: place, detail: `the matrix has ${size} combinations, more than ${MAX_EXPANDED}`, on: "key" }];
  const found = [
    ...matrixExclude.flatMap((entry, index) => wrongExclude(matrix, entry, [...place, "exclude", index])),
    ...matrixInclude.flatMap((entry, index): PathProblem[] =>
      Object.keys(entry).length > 0
        ? []
        : [{ path: [...place, "include", index], detail: "this includes nothing", on: "value" }],
    ),
  ];
  if (found.length > 0) return found;
  const combinations = withTrials(context.trials, () => combinationsOf(job));
  // Too many of them are reported where the job is expanded.
  if (combinations === undefined || "problem" in combinations) return [];
  if (combinations.length === 0)
    return [{ path: [...place, "exclude"], detail: "`exclude` leaves no combination out of the matrix", on: "key" }];
  // Twins on one axis are reported there.
  const own = matrixInclude.length === 0 ? [] : twins(combinations, place);
  return [...own, ...missingMembers(context, job, combinations)];
}

function wrongExclude(matrix: NonNullable<Job["matrix"]>, entry: JsonObject, path: Path): readonly PathProblem[] {
  const at = (detail: string, key?: string): PathProblem[] => [
    { path: key === undefined ? path : [...path, key], detail, on: key === undefined ? "value" : "key" },
  ];
  const names = Object.keys(entry);
  if (names.length === 0) return at("this excludes every combination; name values of axes");
  const odd = names.find((name) => !Object.hasOwn(matrix, name));
  if (odd !== undefined) return at(`the matrix has no axis ${odd}${didYouMean(odd, Object.keys(matrix))}`, odd);
  const never = names.find(
    (name) => !(matrix[name] ?? []).some((value) => hasAll({ value }, { value: entry[name] ?? null }, ["value"])),
  );
  return never === undefined ? [] : at(`this excludes nothing: the axis ${never} has no such value`, never);
}

function twins(combinations: readonly Combination[], path: Path): readonly PathProblem[] {
  const names = combinations.map(({ name }) => name);
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin === undefined) return [];
  const detail = `two combinations have the name ${twin}; each becomes a job and needs its own name`;
  return [{ path, detail, on: "key" }];
}

/** `include` gives a value to some combinations only, and the job reads it in all of them. */
function missingMembers(context: RuleContext, job: Job, combinations: readonly Combination[]): readonly PathProblem[] {
  const places = placesOf(context.pipeline).filter((place) => place.job === job && place.path.at(-1) !== "matrix");
  return places.flatMap((place) =>
    sourcesIn(place).flatMap(({ source, path }) => {
      const expression = checkExpression(source);
      if ("problem" in expression) return [];
      return expression.references.flatMap(({ variable, path: [name], certain, offset }): PathProblem[] => {
        if (variable !== "each" || name === undefined || certain < 1) return [];
        const having = combinations.filter(({ values }) => Object.hasOwn(values, name));
        const lacking = combinations.find((one) => !having.includes(one));
        if (lacking === undefined || having.length === 0) return [];
        const detail = `the combination ${lacking.name} has no ${name}; write each.?${name}.orValue(…)`;
        return [{ path, detail, on: "value", within: { text: source, offset } }];
      });
    }),
  );
}
