// Checks a set of definitions as a whole. Pure.

import { readRoles } from "../access/read-policy.ts";
import type { Environments } from "../build/environments.ts";
import { readEnvironments } from "../build/read-environments.ts";
import { childProblems } from "../child/child-set.ts";
import { FAN_OUT } from "../child/fan-out.ts";
import { type OwnPolicy, readOwnPolicy } from "../choice/own-policy.ts";
import type { Problem } from "../errors.ts";
import { readRules } from "../notify/read-rules.ts";
import type { Includes } from "../pipeline/include/expand-includes.ts";
import { readTemplate } from "../pipeline/include/template-file.ts";
import { readParamValues } from "../pipeline/param-values.ts";
import type { ParsedPipeline } from "../pipeline/parse.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { ROLLOUT } from "../rollout/rollout-pipeline.ts";
import { readSites, type SiteDefaults } from "../site/site-defaults.ts";
import { upstreamProblems } from "../trigger/upstream.ts";
import { filesIn, SETTINGS_FILES, type SetFile } from "./set-files.ts";

/** The text of each file, by its path with `/`. */
export type DefinitionFiles = ReadonlyMap<string, string>;

/** A pipeline without mistakes. `isPreset`: the installation gives values to its params. */
export type SetPipeline = SetFile &
  Pick<ParsedPipeline, "included"> & { readonly pipeline: Pipeline; readonly isPreset: boolean };

export type CheckedSet = {
  readonly pipelines: readonly SetPipeline[];
  readonly environments: Environments;
  /** Which apps may bring pipelines of their own. */
  readonly own: OwnPolicy;
  /** What is preset at each site. */
  readonly sites: SiteDefaults;
  /** The files that count besides the pipelines, by path. */
  readonly others: readonly SetFile[];
  /** Every mistake, by file. */
  readonly problems: readonly Problem[];
};

/** Reads one pipeline file, with the templates that it may include. */
export type ParseFile = (file: string, text: string, includes: Includes) => ParsedPipeline;

/** Beside the pipelines, or beside their folder: what environments demand of builds. */
const ENVIRONMENTS = "environments.yaml";
/** Beside it: what this installation offers and presets in forms. */
const PARAMS = "params.yaml";
/** Beside it: which apps may bring pipelines of their own. */
const OWN = "own-pipelines.yaml";
const PIPELINES = "pipelines/";
/** Of pipelines that the task-agent has itself: pipelines/platform. */
const RESERVED_NAMES = [
  "check-systems",
  "definitions-sync",
  "discover-app",
  FAN_OUT,
  "own-pipelines-sync",
  "poll-git",
  ROLLOUT,
  "templates-sync",
];

/**
 * The definitions in these files, and every mistake in them. If there is a folder `pipelines`, the pipelines are the files
 * of that folder, and other files are not read; otherwise every `*.yaml` is a pipeline.
 */
export function checkSet(files: DefinitionFiles, parse: ParseFile): CheckedSet {
  const { pipelines, problems, broken, included } = readPipelines(files, parse);
  const templates = filesIn(files, "includes");
  problems.push(...templates.filter(({ file }) => !included.has(file)).flatMap(problemsOfTemplate));
  const environments = readEnvironmentsOf(files, problems);
  const own = readOwn(files, problems);
  const preset = applyParams(files, { pipelines, broken }, problems);
  const roles = filesIn(files, "roles");
  const policy = roles.length === 0 ? undefined : readRoles(roles);
  if (policy?.ok === false) problems.push(...policy.problems);
  problems.push(...upstreamProblems(pipelines, [...pipelines.map(({ pipeline }) => pipeline.name), ...broken]));
  problems.push(...childProblems(preset, [...pipelines.map(({ pipeline }) => pipeline.name), ...broken]));
  const rules = filesIn(files, "rules");
  const siteFiles = filesIn(files, "sites");
  const all = preset.map(({ pipeline }) => pipeline);
  const { sites, problems: ofSites } = readSites(siteFiles, all, broken);
  const inFolders = [...templates, ...roles, ...rules, ...siteFiles];
  problems.push(...readRules(rules).problems, ...ofSites, ...suffixProblems(inFolders));
  problems.sort(byFile);
  const beside = SETTINGS_FILES.flatMap((file) => {
    const text = files.get(file);
    return text === undefined ? [] : [{ file, text }];
  });
  return { pipelines: preset, environments, own, sites, others: [...beside, ...inFolders], problems };
}

/** A file with another suffix would be forgotten in silence. */
function suffixProblems(files: readonly SetFile[]): readonly Problem[] {
  return files
    .filter(({ file }) => !file.endsWith(".yaml"))
    .map(({ file }) => ({ file, line: 1, detail: "the name must end in .yaml" }));
}

type Pipelines = {
  readonly pipelines: readonly SetPipeline[];
  readonly problems: Problem[];
  /** Names of pipelines that have mistakes, as far as they can be read. */
  readonly broken: readonly string[];
  /** The paths of the templates that pipelines include. Their mistakes are among the problems. */
  readonly included: ReadonlySet<string>;
};

/** Of a template that no pipeline includes. */
function problemsOfTemplate({ file, text }: SetFile): readonly Problem[] {
  return readTemplate(file, text).problems.map(({ at: { line, column }, detail }) => ({ detail, file, line, column }));
}

function readPipelines(files: DefinitionFiles, parse: ParseFile): Pipelines {
  const pipelines: SetPipeline[] = [];
  const problems: Problem[] = [];
  const broken: string[] = [];
  const used = new Set<string>();
  const byName = new Map<string, string>();
  const all = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const folder = all.some(([path]) => path.startsWith(PIPELINES)) ? PIPELINES : "";
  for (const [file, text] of all) {
    if (SETTINGS_FILES.includes(file) || !isIn(folder, file)) continue;
    if (!file.endsWith(".yaml")) {
      if (folder !== "") problems.push({ file, line: 1, detail: "the name must end in .yaml" });
      continue;
    }
    const { pipeline, problems: found, included } = parse(file, text, (path) => files.get(path));
    for (const path of included?.keys() ?? []) used.add(path);
    problems.push(...found);
    if (!pipeline || found.length > 0) {
      broken.push(pipeline?.name ?? file.slice(folder.length).replace(/\.yaml$/, ""));
      continue;
    }
    const nameProblem = problemOfName(pipeline.name, byName.get(pipeline.name));
    if (nameProblem !== undefined) problems.push({ file, line: 1, detail: nameProblem });
    byName.set(pipeline.name, file);
    pipelines.push({ file, text, pipeline, isPreset: false, ...(included === undefined ? {} : { included }) });
  }
  return { pipelines, problems, broken, included: used };
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
  { pipelines, broken }: Pick<Pipelines, "pipelines" | "broken">,
  problems: Problem[],
): readonly SetPipeline[] {
  const text = files.get(PARAMS);
  if (text === undefined) return pipelines;
  const all = pipelines.map(({ pipeline }) => pipeline);
  const read = readParamValues({ file: PARAMS, text }, all, broken);
  if ("problems" in read) {
    problems.push(...read.problems);
    return pipelines;
  }
  return pipelines.map((one) => {
    const pipeline = read.changed.get(one.pipeline.name);
    return pipeline ? { ...one, pipeline, isPreset: true } : one;
  });
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
