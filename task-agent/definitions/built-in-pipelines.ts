// Pipelines of Gantry itself: they ship with it, and no file of an installation replaces them.

import { readFile } from "node:fs/promises";
import { GantryError } from "@gantry/core/errors.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { type Definition, definitionOf, readPipeline } from "../tasks/read-definitions.ts";

/** Throws `pipeline-invalid` when it has mistakes: a bug. */
export async function readBuiltIn(file: string, steps: readonly StepDescription[]): Promise<Definition> {
  const text = await readFile(file, "utf8");
  const { pipeline, problems } = readPipeline({ name: file, text }, steps);
  const [first] = problems;
  if (!pipeline || first)
    throw new GantryError("pipeline-invalid", { file, count: problems.length, problem: first?.detail ?? "" });
  return definitionOf(file, text, pipeline);
}
