// Checks a set of definitions as a whole. Pure.

import { createHash } from "node:crypto";
import type { Environments } from "@gantry/core/build/environments.ts";
import { readEnvironments } from "@gantry/core/build/read-environments.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";

/** `version`: the digest of the file. `file`: its path in the set; absent in sets that an older version stored. */
export type Definition = { readonly pipeline: Pipeline; readonly version: string; readonly file?: string };

export type DefinitionSet = { readonly definitions: readonly Definition[]; readonly environments: Environments };

/** The text of each file, by its path with `/`. */
export type DefinitionFiles = ReadonlyMap<string, string>;

/** Beside the pipelines, or beside their folder: what environments demand of builds. */
const ENVIRONMENTS = "environments.yaml";
const PIPELINES = "pipelines/";
/** Of a pipeline that the task-agent has itself. */
const RESERVED_NAMES = ["definitions-sync"];

/** A pipeline whose file was read and has no mistakes. */
export function definitionOf(file: string, text: string, pipeline: Pipeline): Definition {
  const version = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return { pipeline: { ...pipeline, origin: "platform" }, version, file };
}

/**
 * The definitions in these files, and every mistake in them. If there is a folder `pipelines`, the pipelines are the files
 * of that folder, and other files are not read; otherwise every `*.yaml` is a pipeline.
 */
export function checkDefinitions(
  files: DefinitionFiles,
  steps: readonly StepDescription[],
): DefinitionSet & { readonly problems: readonly Problem[] } {
  let environments: Environments = {};
  const definitions: Definition[] = [];
  const problems: Problem[] = [];
  const byName = new Map<string, string>();
  const all = [...files.keys()].toSorted();
  const folder = all.some((path) => path.startsWith(PIPELINES)) ? PIPELINES : "";
  for (const [file, text] of all.map((path) => [path, files.get(path) ?? ""] as const)) {
    if (file === ENVIRONMENTS) {
      const read = readEnvironments(file, text);
      if ("problems" in read) problems.push(...read.problems);
      else environments = read.environments;
      continue;
    }
    if (!isIn(folder, file)) continue;
    if (!file.endsWith(".yaml")) {
      if (file.endsWith(".yml")) problems.push({ file, line: 1, detail: "the name must end in .yaml" });
      continue;
    }
    const { pipeline, problems: found } = parsePipeline({ name: file, text }, steps);
    problems.push(...found);
    if (!pipeline || found.length > 0) continue;
    const nameProblem = problemOfName(pipeline.name, byName.get(pipeline.name));
    if (nameProblem !== undefined) problems.push({ file, line: 1, detail: nameProblem });
    byName.set(pipeline.name, file);
    definitions.push(definitionOf(file, text, pipeline));
  }
  return { definitions, environments, problems };
}

function isIn(folder: string, file: string): boolean {
  return file.startsWith(folder) && !file.slice(folder.length).includes("/");
}

function problemOfName(name: string, other: string | undefined): string | undefined {
  if (RESERVED_NAMES.includes(name)) return `the name ${name} is that of a pipeline of Gantry; use another one`;
  return other === undefined ? undefined : `the name ${name} is that of the pipeline in ${other}; use another one`;
}
