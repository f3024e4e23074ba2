// Reads environments.yaml. Everything that is wrong is reported at once, with file, line and column. Pure.

import { approversProblems, approversShape } from "../access/approval.ts";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";
import { freezeProblem, freezeShape, windowShape } from "./calendar.ts";
import {
  type Environment,
  type Environments,
  environmentOf,
  environmentShape,
  environmentsShape,
  rollbackShape,
} from "./environments.ts";

/** `file`: its name, for the problems. */
export function readEnvironments(
  file: string,
  text: string,
): { readonly environments: Environments } | { readonly problems: readonly Problem[] } {
  const { root, problems: found } = readSource(text);
  if (root === undefined || found.length > 0)
    return { problems: found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column })) };
  const value = plainValue(root);
  const parsed = environmentsShape.safeParse(value);
  if (!parsed.success) {
    const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
    return { problems: issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on)) };
  }
  const read = Object.entries(parsed.data.environments).map(([name, one]) => [name, environmentOf(one)] as const);
  const environments: Environments = Object.fromEntries(read);
  const names = Object.keys(environments);
  const unmeetable = read.flatMap(([name, one]) =>
    problemsOf(one).map(({ path, detail }) => placedProblem({ root, file }, ["environments", name, ...path], detail)),
  );
  const problems = read.flatMap(([name, { requires }]) => {
    const before = requires.environment;
    if (before === undefined) return [];
    const detail = names.includes(before)
      ? circleProblem(name, environments)
      : `there is no environment ${before}${didYouMean(before, names)}; name it in this file, with \`requires: {}\``;
    if (detail === undefined) return [];
    return [placedProblem({ root, file }, ["environments", name, "requires", "environment"], detail)];
  });
  const all = [...problems, ...unmeetable];
  return all.length > 0 ? { problems: all } : { environments };
}

/** Of one environment, what its form cannot say. `path`: below it. */
function problemsOf({ approval, freezes = [] }: Environment): readonly { path: Path; detail: string }[] {
  const ofFreezes = freezes.flatMap((freeze, at) => {
    const detail = freezeProblem(freeze);
    return detail === undefined ? [] : [{ path: ["freezes", at, "to"], detail }];
  });
  const ofApproval = approval ? approversProblems(approval) : [];
  return [...ofApproval.map(({ path, detail }) => ({ path: ["approval", path], detail })), ...ofFreezes];
}

/** An environment that needs itself, perhaps by way of others: no build could reach it. */
function circleProblem(name: string, environments: Environments): string | undefined {
  const way: string[] = [];
  for (let next = environments[name]?.requires.environment; next !== undefined && !way.includes(next); ) {
    way.push(next);
    next = next === name ? undefined : environments[next]?.requires.environment;
  }
  if (way.at(-1) !== name) return undefined;
  if (way.length === 1) return "an environment cannot need itself";
  return `an environment cannot need itself: ${[name, ...way].join(" needs ")}; no build could reach any of them`;
}

/** The keys of maps with fixed keys, for suggestions. */
function keysAt(path: Path): readonly string[] {
  const [, , part] = path;
  const shapes = {
    requires: environmentShape.shape.requires.unwrap(),
    approval: approversShape,
    windows: windowShape,
    freezes: freezeShape,
    rollback: rollbackShape,
  };
  if (path.length === 0) return ["environments"];
  if (path.length === 2) return Object.keys(shapes);
  return typeof part === "string" && Object.hasOwn(shapes, part)
    ? Object.keys(shapes[part as keyof typeof shapes].shape)
    : [];
}
