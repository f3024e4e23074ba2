// Reads environments.yaml. Everything that is wrong is reported at once, with file, line and column. Pure.

import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";
import { type Environments, environmentsShape } from "./environments.ts";

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
    const keysAt = (path: Path): readonly string[] => KEYS[path.length] ?? [];
    const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
    return { problems: issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on)) };
  }
  const { environments } = parsed.data;
  const names = Object.keys(environments);
  const problems = Object.entries(environments).flatMap(([name, { requires }]) => {
    const before = requires.environment;
    if (before === undefined) return [];
    const detail = names.includes(before)
      ? circleProblem(name, environments)
      : `there is no environment ${before}${didYouMean(before, names)}; name it in this file, with \`requires: {}\``;
    if (detail === undefined) return [];
    return [placedProblem({ root, file }, ["environments", name, "requires", "environment"], detail)];
  });
  return problems.length > 0 ? { problems } : { environments };
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

/** The keys of maps with fixed keys, by depth, for suggestions. */
const KEYS: readonly (readonly string[] | undefined)[] = [
  ["environments"],
  undefined,
  ["requires"],
  ["scan", "gate", "tests", "environment", "branch"],
];
