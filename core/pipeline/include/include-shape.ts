// The forms of `include` in a pipeline file, and of a template: a job or steps that several pipelines share.

import { z } from "zod";
import { OF_STEPS } from "../../child/child-rules.ts";
import { idText, jobShape, paramShape, pipelineShape, stepShape } from "../file.ts";
import { paramTypes } from "../types/type-shape.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const includeShape = z
  .string()
  .regex(NAME, "a name has lower case letters, digits and hyphens")
  .describe("Name of a template: the file includes/NAME.yaml");

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "a parameter has letters, digits and `_`");
const values = z.record(variable, z.json());

const withShape = values.optional().describe("The params of the template");
/** Its other keys replace those of the template. */
export const includedJobShape = jobShape
  .partial()
  .omit({ steps: true })
  .extend({ include: includeShape, with: withShape });
export const includedStepShape = z.strictObject({ include: includeShape, with: withShape });

/** A param of a template always has a value. */
export const templateParamShape = paramShape.omit({ secret: true, ui: true });

export const templateShape = z
  .strictObject({
    summary: z.string().min(1).max(500).optional(),
    params: z.record(variable, z.union([paramTypes, templateParamShape], "a type, or a map with `type`")).optional(),
    job: z.record(z.string(), z.json()).optional(),
    steps: z.array(z.json()).min(1).max(200).optional(),
  })
  .refine(
    ({ job, steps }) => (job === undefined) !== (steps === undefined),
    "must have `job` or `steps`, and not both",
  );

/** Where the set of definitions has the text of a template. */
export function pathOfInclude(name: string): string {
  return `includes/${name}.yaml`;
}

/** What authors write, before templates are included: for editors. The parser checks the file after that. */
export const writtenPipelineShape = pipelineShape.extend({
  jobs: writtenJobs(),
  finally: writtenJobs().optional(),
});

function writtenJobs() {
  const steps = z
    .array(z.union([stepShape, includedStepShape]))
    .min(1)
    .max(200);
  const withSteps = jobShape.omit({ pipeline: true, params: true, wait: true }).extend({ site: z.string(), steps });
  const ofPipeline = jobShape.omit(OF_STEPS).required({ pipeline: true });
  return z.record(idText, z.union([withSteps, ofPipeline, includedJobShape]));
}
