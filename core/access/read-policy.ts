// Reads a policy: one file, or the files of the folder `roles` of a set of definitions, which count together. All mistakes are
// reported at once, with file, line and column.

import type { SetFile } from "../definitions/set-files.ts";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { isJsonObject } from "../json.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource, type Source } from "../pipeline/source.ts";
import { administratorProblem } from "./administrators.ts";
import {
  bindingShape,
  compilePolicy,
  denyShape,
  type Policy,
  type PolicyFile,
  policyProblems,
  policyShape,
  roleShape,
} from "./policy.ts";

export type ReadPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `file`: its name, for the problems. */
export function readPolicy(text: string, file: string): ReadPolicy {
  return readAll([{ file, text }]);
}

/**
 * The files of `roles`. Roles and teams of one file can be used in all. A policy that leaves nobody as an administrator is
 * refused, because nobody could correct what it forbids.
 */
export function readRoles(files: readonly SetFile[]): ReadPolicy {
  const read = readAll(files);
  const [first] = files;
  const detail = read.ok ? administratorProblem(read.policy) : undefined;
  if (detail === undefined || !first) return read;
  return { ok: false, problems: [{ detail, file: first.file, line: 1, column: 1 }] };
}

type ReadFile = {
  readonly file: string;
  readonly root: Source | undefined;
  /** What the file says, also if its form is wrong. */
  readonly value: unknown;
  readonly policy: PolicyFile | undefined;
  readonly problems: readonly Problem[];
};

function readAll(files: readonly SetFile[]): ReadPolicy {
  const read = files.map(readOne);
  const roles = namesOf(read, "roles");
  const teams = namesOf(read, "teams");
  const known = { roles: roles.map(({ name }) => name), teams: teams.map(({ name }) => name) };
  const problems = read.flatMap(({ root, policy, file, problems: found }) =>
    root === undefined || policy === undefined
      ? found
      : policyProblems(policy, known).map(({ path, detail }) => placedProblem({ root, file }, path, detail)),
  );
  problems.push(...twiceNamed(roles, "role"), ...twiceNamed(teams, "team"));
  if (problems.length > 0) return { ok: false, problems };
  const parts = read.flatMap(({ policy }) => policy ?? []);
  return {
    ok: true,
    policy: compilePolicy({
      teams: Object.assign({}, ...parts.map((one) => one.teams)),
      roles: Object.assign({}, ...parts.map((one) => one.roles)),
      bindings: parts.flatMap(({ bindings }) => bindings),
      deny: parts.flatMap(({ deny }) => deny),
    }),
  };
}

function readOne({ file, text }: SetFile): ReadFile {
  const { root, problems: found } = readSource(text);
  const unread = found.map(({ at, detail }): Problem => ({ detail, file, line: at.line, column: at.column }));
  if (root === undefined || unread.length > 0)
    return { file, root, value: undefined, policy: undefined, problems: unread };
  const value = plainValue(root);
  const parsed = policyShape.safeParse(value);
  if (parsed.success) return { file, root, value, policy: parsed.data, problems: [] };
  const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
  const problems = issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on));
  return { file, root, value, policy: undefined, problems };
}

type Named = { readonly name: string } & Pick<ReadFile, "file" | "root"> & { readonly path: Path };

/** Also of files with mistakes: what they define is not missing in others. */
function namesOf(files: readonly ReadFile[], key: "roles" | "teams"): readonly Named[] {
  return files.flatMap(({ file, root, value }) => {
    const map = isJsonObject(value) ? value[key] : undefined;
    return isJsonObject(map) ? Object.keys(map).map((name) => ({ name, file, root, path: [key, name] })) : [];
  });
}

function twiceNamed(all: readonly Named[], what: string): readonly Problem[] {
  return all.flatMap(({ name, file, root, path }, at) => {
    const first = all.slice(0, at).find((one) => one.name === name);
    if (!first || root === undefined) return [];
    return [placedProblem({ root, file }, path, `the ${what} ${name} is defined in ${first.file} already`, "key")];
  });
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(policyShape.shape);
  if (path.length !== 2) return [];
  if (path[0] === "roles") return Object.keys(roleShape.shape);
  if (path[0] === "bindings") return Object.keys(bindingShape.shape);
  return path[0] === "deny" ? Object.keys(denyShape.shape) : [];
}
