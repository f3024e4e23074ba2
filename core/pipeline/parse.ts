// From the text of a pipeline file to a checked Pipeline: YAML → form → normalised → rules. All problems at once.

import { withArtifactSteps } from "../artifact/artifact-steps.ts";
import type { Problem } from "../errors.ts";
import { newTrials } from "../expr/trials.ts";
import { typing } from "../expr/typed-check.ts";
import type { PathProblem } from "../issues.ts";
import { isJsonObject } from "../json.ts";
import { normalise } from "./normalise.ts";
import type { Pipeline, StepDescription } from "./pipeline.ts";
import type { RuleContext } from "./rule.ts";
import { RULES } from "./rules.ts";
import { absentFacts, absentParams, unknownSecrets } from "./rules-references.ts";
import { goodExpansion } from "./rules-values.ts";
import { checkShape } from "./shape.ts";
import { type Place, placeAt, plainValue, readSource, type Source, sourceAt } from "./source.ts";
import { celTypes } from "./template-sources.ts";

export type ParsedPipeline = {
  /** Present only if there are no problems. */
  readonly pipeline?: Pipeline;
  /** Each with file, line and column, in the order of the file; at most 100. */
  readonly problems: readonly Problem[];
  /** Valid, but probably not what was meant. */
  readonly warnings: readonly Problem[];
};

const MAX_PROBLEMS = 100;

/**
 * Never throws because of the text, and takes bounded time for any text. `secrets`: the names of those that exist, for
 * warnings about others; default: unknown.
 */
export function parsePipeline(
  file: { readonly name: string; readonly text: string },
  steps: readonly StepDescription[],
  secrets?: readonly string[],
): ParsedPipeline {
  const source = readSource(file.text);
  const { root } = source;
  const locate = (found: readonly { at: Place; detail: string }[]): readonly Problem[] =>
    found
      .toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
      .slice(0, MAX_PROBLEMS)
      .map(({ at, detail }) => ({ detail, file: file.name, line: at.line, column: at.column }));
  if (root === undefined) return { problems: locate(source.problems), warnings: [] };

  const value = plainValue(root);
  if (!isJsonObject(value)) {
    const detail = "a pipeline file is a map with `name` and `jobs`";
    return { problems: locate([...source.problems, { at: root.at, detail }]), warnings: [] };
  }
  const shape = checkShape(value);
  const known = new Map(steps.map((step) => [step.name, step]));
  let pipeline: Pipeline | undefined;
  const found: PathProblem[] = [...shape.problems];
  const doubts: PathProblem[] = [];
  if (shape.file !== undefined) {
    pipeline = normalise(shape.file, known);
    const context: RuleContext = {
      file: shape.file,
      pipeline,
      steps: known,
      jobIds: jobIdsOf(root),
      typing: typing(celTypes(pipeline.params)),
      trials: newTrials(),
    };
    // Where the form is wrong already, a rule would only say the same in other words.
    const broken = new Set(shape.problems.map(({ path }) => JSON.stringify(path)));
    // The wrong part was removed, so the value around it only seems incomplete.
    const lacking = new Set(
      shape.problems.filter(({ on }) => on === "value").map(({ path }) => JSON.stringify(path.slice(0, -1))),
    );
    const isNew = ({ path, on }: PathProblem): boolean =>
      !broken.has(JSON.stringify(path)) && !(on === "value" && lacking.has(JSON.stringify(path)));
    found.push(...RULES.flatMap((rule) => rule(context)).filter(isNew));
    found.push(...goodExpansion(context, found));
    doubts.push(
      ...absentParams(context),
      ...absentFacts(context),
      ...(secrets === undefined ? [] : unknownSecrets(context, secrets)),
    );
  }
  const place = (problem: PathProblem) => ({ at: placeOf(problem, root, source.placeOf), detail: problem.detail });
  // Problems of a value that could not be read are consequences of that.
  const unread = new Set(source.problems.map(({ at }) => `${at.line}:${at.column}`));
  const judged = found.map(place).filter(({ at }) => !unread.has(`${at.line}:${at.column}`));
  const problems = locate([...source.problems, ...judged]);
  const warnings = locate(doubts.map(place));
  return problems.length === 0 && pipeline !== undefined
    ? { pipeline: withArtifactSteps(pipeline), problems, warnings }
    : { problems, warnings };
}

/** As exact as possible: the expression inside a text, if the file has it exactly as it was read; otherwise the text. */
function placeOf(problem: PathProblem, root: Source, placeOfOffset: (offset: number) => Place): Place {
  const node = problem.within === undefined ? undefined : sourceAt(root, problem.path);
  if (problem.within !== undefined && node?.kind === "scalar") {
    const index = node.raw.text.indexOf(problem.within.text);
    if (index !== -1) return placeOfOffset(node.raw.offset + index + problem.within.offset);
  }
  return placeAt(root, problem.path, problem.on);
}

function jobIdsOf(root: Source): readonly string[] {
  return (["jobs", "finally"] as const).flatMap((part) => {
    const jobs = sourceAt(root, [part]);
    return jobs?.kind === "map" ? [...jobs.entries.keys()] : [];
  });
}
