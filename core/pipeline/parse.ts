// From the text of a pipeline file to a checked Pipeline: YAML → form → normalised → rules. All problems at once.

import { withArtifactSteps } from "../artifact/artifact-steps.ts";
import type { Problem } from "../errors.ts";
import { newTrials } from "../expr/trials.ts";
import { typing } from "../expr/typed-check.ts";
import type { PathProblem } from "../issues.ts";
import { isJsonObject } from "../json.ts";
import { pastSchedules } from "../trigger/rules-triggers.ts";
import { pipelineShape } from "./file.ts";
import { type Expanded, expandIncludes, type Includes } from "./include/expand-includes.ts";
import { normalise, paramsSchema } from "./normalise.ts";
import type { Pipeline, StepDescription } from "./pipeline.ts";
import type { RuleContext } from "./rule.ts";
import { RULES } from "./rules.ts";
import { absentFacts, absentParams, unknownSecrets } from "./rules-references.ts";
import { goodExpansion } from "./rules-values.ts";
import { checkShape } from "./shape.ts";
import { type Place, placeAt, plainValue, readSource, type Source, type SourceProblem, sourceAt } from "./source.ts";
import { typingOf } from "./template-sources.ts";
import { knownTypes } from "./types/known-types.ts";

export type PipelineText = {
  readonly name: string;
  readonly text: string;
  /** The templates that it may include. Absent: none. */
  readonly includes?: Includes;
};

export type ParsedPipeline = {
  /** Present only if there are no problems. */
  readonly pipeline?: Pipeline;
  /** Each with file, line and column, in the order of the file; at most 100. */
  readonly problems: readonly Problem[];
  /** Valid, but probably not what was meant. */
  readonly warnings: readonly Problem[];
  /** The texts of the templates that it includes, by path. Absent: none. */
  readonly included?: ReadonlyMap<string, string>;
};

const MAX_PROBLEMS = 100;

/** What is known beside the file. Each gives warnings; default: unknown. */
export type Surroundings = {
  /** The names of the secrets that exist, for warnings about others. */
  readonly secrets?: readonly string[] | undefined;
  /** Milliseconds since 1970, for warnings about schedules whose times have all passed. */
  readonly nowMs?: number | undefined;
};

/** Never throws because of the text, and takes bounded time for any text. */
export function parsePipeline(
  file: PipelineText,
  steps: readonly StepDescription[],
  { secrets, nowMs }: Surroundings = {},
): ParsedPipeline {
  const source = readSource(file.text);
  const locate = (found: readonly SourceProblem[]): readonly Problem[] => locatedIn(file.name, found);
  if (source.root === undefined) return { problems: locate(source.problems), warnings: [] };
  const expanded = expand(source.root, file.includes);
  const { root } = expanded;

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
      jobIds: [...jobIdsOf(root), ...(pipeline.undo === undefined ? [] : ["undo"])],
      typing: typingOf(pipeline, known),
      trials: newTrials(),
      isIncluded: (path) => placeAt(root, path).from !== undefined,
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
      ...(nowMs === undefined ? [] : pastSchedules(context, nowMs)),
    );
  }
  const place = (problem: PathProblem) => ({ at: placeOf(problem, root, source.placeOf), detail: problem.detail });
  // Problems of a value that could not be read are consequences of that.
  const keyOf = ({ at }: SourceProblem): string => `${at.file ?? ""}:${at.line}:${at.column}`;
  const unread = new Set([...source.problems, ...expanded.problems].map(keyOf));
  const isBroken = ({ path: [part, id] }: PathProblem): boolean => expanded.broken.has(`${part}/${id}`);
  const judged = found
    .filter((one) => !isBroken(one))
    .map(place)
    .filter((one) => !unread.has(keyOf(one)));
  const problems = locate([...source.problems, ...expanded.problems, ...judged]);
  const warnings = locate(doubts.map(place));
  const result = { problems, warnings, ...(expanded.used.size > 0 ? { included: expanded.used } : {}) };
  return problems.length === 0 && pipeline !== undefined
    ? { pipeline: withArtifactSteps(pipeline), ...result }
    : result;
}

/** In the order of the file. What a template says wrong is where the file includes it. */
function locatedIn(file: string, found: readonly SourceProblem[]): readonly Problem[] {
  return found
    .map((one) => ({ ...one, inFile: placesOf(one.at).at(-1) ?? one.at }))
    .toSorted((a, b) => a.inFile.line - b.inFile.line || a.inFile.column - b.inFile.column)
    .slice(0, MAX_PROBLEMS)
    .map(({ at, detail }) => {
      const callers = placesOf(at).slice(1);
      const through = callers.map((one) => `${one.file ?? file}:${one.line}`).join(", ");
      const from = callers.length === 0 ? "" : ` (included at ${through})`;
      return { detail: `${detail}${from}`, file: at.file ?? file, line: at.line, column: at.column };
    });
}

/** A place, and those that include it, from the inside. */
function placesOf(at: Place): readonly Place[] {
  return at.from === undefined ? [at] : [at, ...placesOf(at.from)];
}

function expand(root: Source, includes: Includes = () => undefined): Expanded {
  if (!hasIncludes(root)) return { root, problems: [], used: new Map(), broken: new Set() };
  const params = sourceAt(root, ["params"]);
  const parsed = pipelineShape.shape.params.safeParse(params && plainValue(params));
  const schema = paramsSchema((parsed.success && parsed.data) || {});
  const types = typing(knownTypes({ params: schema, jobs: [], finally: [] }));
  return expandIncludes(root, includes, { typing: types, paramNames: Object.keys(schema.properties) });
}

function hasIncludes(root: Source): boolean {
  return (["jobs", "finally"] as const).some((part) => {
    const jobs = sourceAt(root, [part]);
    if (jobs?.kind !== "map") return false;
    return [...jobs.entries.values()].some(({ value: job }) => {
      const steps = sourceAt(job, ["steps"]);
      const isIncluding = (one: Source): boolean => one.kind === "map" && one.entries.has("include");
      return isIncluding(job) || (steps?.kind === "list" && steps.items.some(isIncluding));
    });
  });
}

/** As exact as possible: the expression inside a text, if the file has it exactly as it was read; otherwise the text. */
function placeOf(problem: PathProblem, root: Source, placeOfOffset: (offset: number) => Place): Place {
  const node = problem.within === undefined ? undefined : sourceAt(root, problem.path);
  if (problem.within !== undefined && node?.kind === "scalar") {
    const index = node.raw.text.indexOf(problem.within.text);
    const placeOf = node.raw.placeOf ?? placeOfOffset;
    if (index !== -1) return placeOf(node.raw.offset + index + problem.within.offset);
  }
  return placeAt(root, problem.path, problem.on);
}

function jobIdsOf(root: Source): readonly string[] {
  return (["jobs", "finally"] as const).flatMap((part) => {
    const jobs = sourceAt(root, [part]);
    return jobs?.kind === "map" ? [...jobs.entries.keys()] : [];
  });
}
