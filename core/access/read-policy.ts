// Reads a policy file. All mistakes are reported at once, with file, line and column.

import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource } from "../pipeline/source.ts";
import {
  bindingShape,
  compilePolicy,
  denyShape,
  type Policy,
  policyProblems,
  policyShape,
  roleShape,
} from "./policy.ts";

export type ReadPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `file`: its name, for the problems. */
export function readPolicy(text: string, file: string): ReadPolicy {
  const { root, problems: found } = readSource(text);
  const problems: Problem[] = found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column }));
  if (root === undefined || problems.length > 0) return { ok: false, problems };
  const value = plainValue(root);
  const parsed = policyShape.safeParse(value);
  if (!parsed.success) {
    const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
    return {
      ok: false,
      problems: issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on)),
    };
  }
  const wrong = policyProblems(parsed.data);
  if (wrong.length > 0)
    return { ok: false, problems: wrong.map((one) => placedProblem({ root, file }, one.path, one.detail)) };
  return { ok: true, policy: compilePolicy(parsed.data) };
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(policyShape.shape);
  if (path.length !== 2) return [];
  if (path[0] === "roles") return Object.keys(roleShape.shape);
  if (path[0] === "bindings") return Object.keys(bindingShape.shape);
  return path[0] === "deny" ? Object.keys(denyShape.shape) : [];
}
