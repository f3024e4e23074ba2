// Reads the files of the folder `rules` of a set of definitions, which count together. All mistakes are reported at once, with
// file, line and column. Pure.

import { z } from "zod";
import type { SetFile } from "../definitions/set-files.ts";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource } from "../pipeline/source.ts";
import { type CompiledRule, compileRules } from "./compile-rules.ts";
import { type RuleFile, ruleSchema } from "./rule.ts";

const shape = z.strictObject({ rules: z.array(ruleSchema).max(200) });

export type ReadRules = { readonly rules: readonly CompiledRule[]; readonly problems: readonly Problem[] };

/** Use `rules` only if there are no problems. `channels`: the names of those that exist; default: they are not known here. */
export function readRules(files: readonly SetFile[], channels?: readonly string[]): ReadRules {
  const rules: CompiledRule[] = [];
  const problems: Problem[] = [];
  const fileOf = new Map<string, string>();
  for (const { file, text } of files) {
    const { root, problems: found } = readSource(text);
    if (root === undefined || found.length > 0) {
      problems.push(...found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column })));
      continue;
    }
    const value = plainValue(root);
    const parsed = shape.safeParse(value);
    if (!parsed.success) {
      const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
      problems.push(...issues.map(({ path, detail, on }) => placedProblem({ root, file }, path, detail, on)));
      continue;
    }
    const compiled = compileRules(parsed.data.rules, channels ?? channelsOf(parsed.data.rules));
    problems.push(
      ...compiled.problems.map(({ detail, pointer = "" }) =>
        placedProblem({ root, file }, pathOf(pointer), inWords(detail)),
      ),
    );
    for (const [at, { name }] of compiled.rules.entries()) {
      const other = fileOf.get(name);
      const detail = `the name ${name} is that of a rule in ${other}; use another one`;
      if (other !== undefined && other !== file)
        problems.push(placedProblem({ root, file }, ["rules", at, "name"], detail));
      fileOf.set(name, file);
    }
    rules.push(...compiled.rules);
  }
  return { rules, problems };
}

/** Then every channel counts as known. */
function channelsOf(rules: readonly RuleFile[]): readonly string[] {
  return rules.flatMap(({ send }) => send.map(({ channel }) => channel));
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return Object.keys(shape.shape);
  return path.length === 2 ? Object.keys(ruleSchema.shape) : path.at(-2) === "send" ? ["channel", "to"] : [];
}

function pathOf(pointer: string): Path {
  const steps = pointer.split("/").slice(1);
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** As the other mistakes of a set: it follows the place. */
function inWords(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`.replace(/\.$/, "");
}
