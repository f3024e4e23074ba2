// The pipeline definitions in use, and every version that a task is pinned to. A version is the digest of the file. Every
// version is stored in the journal, so that a task runs to its end with the file it started with.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

const definitionStream = defineStream<Pipeline>({ prefix: "definition/" });

export type Definition = { readonly pipeline: Pipeline; readonly version: string };

export type Definitions = {
  readonly list: () => readonly Definition[];
  readonly current: (name: string) => Definition | undefined;
  /** The definition that a task is pinned to. Rejects when it is missing: a bug, because it was stored before the task. */
  readonly pinned: (version: string) => Promise<Pipeline>;
  readonly steps: readonly StepDescription[];
};

/**
 * Reads every `*.yaml` of the folder. A mistake in any file refuses the whole set: throws `pipeline-invalid` with every
 * mistake in the error.
 */
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
    await store(journal, version, parsed.pipeline);
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
      const loaded = await definitionStream.load(journal, version);
      if (!loaded) throw new Error(`the definition ${version} is not in the journal`);
      byVersion.set(version, loaded.state);
      return loaded.state;
    },
  };
}

async function store(journal: Journal, version: string, pipeline: Pipeline): Promise<void> {
  // A conflict means that it is stored already: the same digest means the same file.
  await journal.append([
    definitionStream.append(version, {
      expected: 0,
      events: [{ kind: "DefinitionKept", name: pipeline.name, version }],
      state: JSON.parse(JSON.stringify(pipeline)),
    }),
  ]);
}
