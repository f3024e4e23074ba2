// The pipeline definitions in force, and every version that a task was pinned to. A version is the digest of the file;
// it is kept in the journal, so that a task runs to its end by the file it began with.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { Journal } from "@gantry/journal/journal.ts";

export type Definition = { readonly pipeline: Pipeline; readonly version: string };

export type Definitions = {
  readonly list: () => readonly Definition[];
  readonly current: (name: string) => Definition | undefined;
  /** The definition that a task was pinned to. Rejects when it is not there: a bug, for it was kept before the task. */
  readonly pinned: (version: string) => Promise<Pipeline>;
  readonly steps: readonly StepDescription[];
};

/** Reads every `*.yaml` of the folder. One mistake refuses the whole set, with every mistake in the error. */
export async function openDefinitions(
  folder: string,
  steps: readonly StepDescription[],
  journal: Journal,
): Promise<Definitions> {
  const current = new Map<string, Definition>();
  const byVersion = new Map<string, Pipeline>();
  const problems = [];
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".yaml")).toSorted()) {
    const text = await readFile(join(folder, name), "utf8");
    const parsed = parsePipeline({ name, text }, steps);
    problems.push(...parsed.problems);
    if (!parsed.pipeline || parsed.problems.length > 0) continue;
    const version = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    await keep(journal, version, parsed.pipeline);
    byVersion.set(version, parsed.pipeline);
    current.set(parsed.pipeline.name, { pipeline: parsed.pipeline, version });
  }
  if (problems.length > 0) {
    const first = problems[0];
    throw new GantryError(
      "pipeline-invalid",
      {
        file: first?.file ?? folder,
        count: problems.length,
        problem: problems.map((one) => `${one.file}:${one.line}: ${one.detail}`).join("; "),
      },
      { problems },
    );
  }
  return {
    list: () => [...current.values()],
    current: (name) => current.get(name),
    steps,
    pinned: async (version) => {
      const known = byVersion.get(version);
      if (known) return known;
      const loaded = await journal.load(stream(version));
      if (!loaded) throw new Error(`the definition ${version} is not in the journal`);
      const pipeline = loaded.snapshot as unknown as Pipeline;
      byVersion.set(version, pipeline);
      return pipeline;
    },
  };
}

async function keep(journal: Journal, version: string, pipeline: Pipeline): Promise<void> {
  // A conflict means that it is there already: the same digest is the same file.
  await journal.append([
    {
      stream: stream(version),
      expected: 0,
      events: [{ kind: "DefinitionKept", name: pipeline.name, version }],
      snapshot: JSON.parse(JSON.stringify(pipeline)),
    },
  ]);
}

function stream(version: string): string {
  return `definition/${version}`;
}
