// Reads the folder with the pipeline files of the platform team.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environments } from "@gantry/core/build/environments.ts";
import { readEnvironments } from "@gantry/core/build/read-environments.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";

/** `version`: the digest of the file. */
export type Definition = { readonly pipeline: Pipeline; readonly version: string };

export type DefinitionSet = { readonly definitions: readonly Definition[]; readonly environments: Environments };

/** Beside the pipelines: what environments demand of builds. */
const ENVIRONMENTS = "environments.yaml";

/** Every `*.yaml` of the folder, by file name, and every mistake in them. Rejects when the folder or a file cannot be read. */
export async function readDefinitions(
  folder: string,
  steps: readonly StepDescription[],
): Promise<DefinitionSet & { readonly problems: readonly Problem[] }> {
  let environments: Environments = {};
  const definitions: Definition[] = [];
  const problems: Problem[] = [];
  const files = new Map<string, string>();
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".yaml")).toSorted()) {
    const text = await readFile(join(folder, file), "utf8");
    if (file === ENVIRONMENTS) {
      const read = readEnvironments(file, text);
      if ("problems" in read) problems.push(...read.problems);
      else environments = read.environments;
      continue;
    }
    const { pipeline, problems: found } = parsePipeline({ name: file, text }, steps);
    problems.push(...found);
    if (!pipeline || found.length > 0) continue;
    const { name } = pipeline;
    const other = files.get(name);
    if (other !== undefined)
      problems.push({ file, line: 1, detail: `the name ${name} is that of the pipeline in ${other}; use another one` });
    files.set(name, file);
    definitions.push({
      pipeline: { ...pipeline, origin: "platform" },
      version: `sha256:${createHash("sha256").update(text).digest("hex")}`,
    });
  }
  return { definitions, environments, problems };
}
