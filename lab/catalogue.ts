// Writes pipelines/catalogue.json: inputs and outputs of the steps in connectors/steps.ts, as data. The task-agent and the
// command line read it, because they may not import a connector. Run it after each change of a step.

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { STEPS } from "@gantry/connectors/steps.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { describeStep } from "@gantry/core/step/describe.ts";
import { sortedJson } from "./sorted-json.ts";

export const CATALOGUE = fileURLToPath(new URL("../pipelines/catalogue.json", import.meta.url));

/** Equal steps give equal bytes: steps are sorted by name, and keys are sorted. */
export async function catalogueText(): Promise<string> {
  const all = await Promise.all(Object.values(STEPS).map((load) => load()));
  const steps: StepDescription[] = all.map(describeStep).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sortedJson(steps);
}

if (import.meta.main) await writeFile(CATALOGUE, await catalogueText());
