// Writes pipelines/schema.json: the JSON Schema of pipeline files, for editors. Run it after each change of their form.

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { writtenPipelineShape } from "@gantry/core/pipeline/include/include-shape.ts";
import { z } from "zod";
import { sortedJson } from "./sorted-json.ts";

export const PIPELINE_SCHEMA = fileURLToPath(new URL("../pipelines/schema.json", import.meta.url));

export function pipelineSchemaText(): string {
  return sortedJson({
    ...z.toJSONSchema(writtenPipelineShape, { io: "input" }),
    title: "Gantry pipeline",
    description: "A pipeline file of Gantry. `gantry lint` also checks names, references and the inputs of steps.",
  });
}

if (import.meta.main) await writeFile(PIPELINE_SCHEMA, pipelineSchemaText());
