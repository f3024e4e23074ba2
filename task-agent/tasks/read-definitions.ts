// Checks a set of definitions as a whole. Pure.

import { createHash } from "node:crypto";
import { readRoles } from "@gantry/core/access/read-policy.ts";
import type { Environments } from "@gantry/core/build/environments.ts";
import { readEnvironments } from "@gantry/core/build/read-environments.ts";
import { type OwnPolicy, readOwnPolicy } from "@gantry/core/choice/own-policy.ts";
import { filesIn, SETTINGS_FILES, type SetFile } from "@gantry/core/definitions/set-files.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { readRules } from "@gantry/core/notify/read-rules.ts";
import { readParamValues } from "@gantry/core/pipeline/param-values.ts";
import { type ParsedPipeline, parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { readSites, type SiteDefaults } from "@gantry/core/site/site-defaults.ts";
import { upstreamProblems } from "@gantry/core/trigger/upstream.ts";

/**
 * `version`: the digest of the file, and of the values that the installation gives to its params, if there are any. `file`:
 * its path in the set, and `digest` that of the file alone where it differs from `version`. Both are absent in sets that an
 * older version stored.
 */
export type Definition = {
  readonly pipeline: Pipeline;
  readonly version: string;
  readonly file?: string;
  readonly digest?: string;
};

export type DefinitionSet = {
  readonly definitions: readonly Definition[];
  readonly environments: Environments;
  /** Which apps may bring pipelines of their own. */
  readonly own: OwnPolicy;
  /** What is preset at each site. */
  readonly sites: SiteDefaults;
  /** The files that count besides the pipelines, by path. */
  readonly others: readonly OtherFile[];
};

/** `digest`: of its text, and with that its version. */
export type OtherFile = SetFile & { readonly digest: string };

/** The text of each file, by its path with `/`. */
export type DefinitionFiles = ReadonlyMap<string, string>;

/** Beside the pipelines, or beside their folder: what environments demand of builds. */
const ENVIRONMENTS = "environments.yaml";
/** Beside it: what this installation offers and presets in forms. */
const PARAMS = "params.yaml";
/** Beside it: which apps may bring pipelines of their own. */
const OWN = "own-pipelines.yaml";
const PIPELINES = "pipelines/";
/** Of pipelines that the task-agent has itself: pipelines/platform. */
const RESERVED_NAMES = ["check-systems", "definitions-sync", "discover-app", "own-pipelines-sync", "templates-sync"];

/** A pipeline whose file was read and has no mistakes. */
export function definitionOf(file: string, text: string, pipeline: Pipeline): Definition {
  return { pipeline: { ...pipeline, origin: "platform" }, version: digestOf(text), file };
}

/**
 * The definitions in these files, and every mistake in them. If there is a folder `pipelines`, the pipelines are the files
 * of that folder, and other files are not read; otherwise every `*.yaml` is a pipeline.
 */
export function checkDefinitions(
  files: DefinitionFiles,
  steps: readonly StepDescription[],
): DefinitionSet & { readonly problems: readonly Problem[] } {
  const { definitions, problems, broken } = readPipelines(files, steps);
  const environments = readEnvironmentsOf(files, problems);
  const own = readOwn(files, problems);
  const withParams = applyParams(files, { definitions, broken }, problems);
  const roles = filesIn(files, "roles");
  const policy = roles.length === 0 ? undefined : readRoles(roles);
  if (policy?.ok === false) problems.push(...policy.problems);
  const read = definitions.map(({ pipeline, file = "" }) => ({ pipeline, file, text: files.get(file) ?? "" }));
  problems.push(...upstreamProblems(read, [...read.map(({ pipeline }) => pipeline.name), ...broken]));
  const rules = filesIn(files, "rules");
  const siteFiles = filesIn(files, "sites");
  const pipelines = withParams.map(({ pipeline }) => pipeline);
  const { sites, problems: ofSites } = readSites(siteFiles, pipelines, broken);
  const inFolders = [...roles, ...rules, ...siteFiles];
  problems.push(...readRules(rules).problems, ...ofSites, ...suffixProblems(inFolders));
  problems.sort(byFile);
  const beside = SETTINGS_FILES.map((file) => ({ file, text: files.get(file) }));
  const others = [...beside, ...inFolders].flatMap(({ file, text }) =>
    text === undefined ? [] : [{ file, text, digest: digestOf(text) }],
  );
  return { definitions: withParams, environments, own, sites, others, problems };
}

/** A file with another suffix would be forgotten in silence. */
function suffixProblems(files: readonly SetFile[]): readonly Problem[] {
  return files
    .filter(({ file }) => !file.endsWith(".yaml"))
    .map(({ file }) => ({ file, line: 1, detail: "the name must end in .yaml" }));
}

type Pipelines = {
  readonly definitions: readonly Definition[];
  readonly problems: Problem[];
  /** Names of pipelines that have mistakes, as far as they can be read. */
  readonly broken: readonly string[];
};

function readPipelines(files: DefinitionFiles, steps: readonly StepDescription[]): Pipelines {
  const definitions: Definition[] = [];
  const problems: Problem[] = [];
  const broken: string[] = [];
  const byName = new Map<string, string>();
  const all = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const folder = all.some(([path]) => path.startsWith(PIPELINES)) ? PIPELINES : "";
  for (const [file, text] of all) {
    if (SETTINGS_FILES.includes(file) || !isIn(folder, file)) continue;
    if (!file.endsWith(".yaml")) {
      if (folder !== "") problems.push({ file, line: 1, detail: "the name must end in .yaml" });
      continue;
    }
    const { pipeline, problems: found } = readPipeline(file, text, steps);
    problems.push(...found);
    if (!pipeline || found.length > 0) {
      broken.push(pipeline?.name ?? file.slice(folder.length).replace(/\.yaml$/, ""));
      continue;
    }
    const nameProblem = problemOfName(pipeline.name, byName.get(pipeline.name));
    if (nameProblem !== undefined) problems.push({ file, line: 1, detail: nameProblem });
    byName.set(pipeline.name, file);
    definitions.push(definitionOf(file, text, pipeline));
  }
  return { definitions, problems, broken };
}

/** Of sets that were checked before, by their steps. In a set that has changed, most files are as they were. */
const checked = new WeakMap<readonly StepDescription[], Map<string, ParsedPipeline>>();
const MAX_CHECKED = 500;

/** As parsePipeline, which takes some ms per file. */
export function readPipeline(file: string, text: string, steps: readonly StepDescription[]): ParsedPipeline {
  const known = checked.get(steps) ?? new Map<string, ParsedPipeline>();
  checked.set(steps, known);
  const key = `${file}\n${text}`;
  const parsed = known.get(key) ?? parsePipeline({ name: file, text }, steps);
  if (known.size >= MAX_CHECKED) known.clear();
  known.set(key, parsed);
  return parsed;
}

function readEnvironmentsOf(files: DefinitionFiles, problems: Problem[]): Environments {
  const text = files.get(ENVIRONMENTS);
  if (text === undefined) return {};
  const read = readEnvironments(ENVIRONMENTS, text);
  if (!("problems" in read)) return read.environments;
  problems.push(...read.problems);
  return {};
}

function readOwn(files: DefinitionFiles, problems: Problem[]): OwnPolicy {
  const text = files.get(OWN);
  if (text === undefined) return [];
  const read = readOwnPolicy(OWN, text);
  if (!("problems" in read)) return read.policy;
  problems.push(...read.problems);
  return [];
}

function applyParams(
  files: DefinitionFiles,
  { definitions, broken }: Pick<Pipelines, "definitions" | "broken">,
  problems: Problem[],
): readonly Definition[] {
  const text = files.get(PARAMS);
  if (text === undefined) return definitions;
  const read = readParamValues(
    { file: PARAMS, text },
    definitions.map(({ pipeline }) => pipeline),
    broken,
  );
  if ("problems" in read) {
    problems.push(...read.problems);
    return definitions;
  }
  return definitions.map((one) => {
    const pipeline = read.changed.get(one.pipeline.name);
    // The params are part of the pipeline that tasks are pinned to, so they are part of its version.
    const version = digestOf(`${one.version} ${JSON.stringify(pipeline?.params)}`);
    return pipeline ? { ...one, pipeline, version, digest: one.version } : one;
  });
}

export function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function byFile({ file: one = "" }: Problem, { file: other = "" }: Problem): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function isIn(folder: string, file: string): boolean {
  return file.startsWith(folder) && !file.slice(folder.length).includes("/");
}

function problemOfName(name: string, other: string | undefined): string | undefined {
  if (RESERVED_NAMES.includes(name))
    return `the name ${name} is that of a pipeline of Gantry; remove this file, or use another name`;
  return other === undefined ? undefined : `the name ${name} is that of the pipeline in ${other}; use another one`;
}
