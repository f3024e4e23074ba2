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
    if (before === undefined || (before !== name && names.includes(before))) return [];
    const detail =
      before === name
        ? "an environment cannot need itself"
        : `there is no environment ${before}${didYouMean(before, names)}; name it in this file, with \`requires: {}\``;
    return [placedProblem({ root, file }, ["environments", name, "requires", "environment"], detail)];
  });
  return problems.length > 0 ? { problems } : { environments };
}

/** The keys of maps with fixed keys, by depth, for suggestions. */
const KEYS: readonly (readonly string[] | undefined)[] = [
  ["environments"],
  undefined,
  ["requires"],
  ["scan", "gate", "tests", "environment", "branch"],
];
