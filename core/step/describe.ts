// The description of a step without its code: for `gantry lint`, the task-agent, the portal's reference and editors.

import { z } from "zod";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { StepDescription } from "../pipeline/pipeline.ts";
import type { AnyStep } from "./step.ts";

/** The input is described as it is written in `with`, before defaults; the output as it is after them. */
export function describeStep(step: AnyStep): StepDescription {
  return {
    name: step.name,
    title: step.title,
    input: jsonSchema(step.input, "input"),
    output: jsonSchema(step.output, "output"),
    needs: [...step.needs].toSorted(),
    effects: [...step.effects],
    ...(step.runsCode === true ? { runsCode: true } : {}),
    ...(step.looksOnly === true ? { looksOnly: true } : {}),
    timeoutMs: step.timeoutMs,
    undo: step.undo !== undefined,
  };
}

function jsonSchema(schema: z.core.$ZodType, io: "input" | "output"): JsonObject {
  // What JSON Schema cannot express (a transformation) is omitted; the runner parses with the real schema anyway.
  const { $schema: _, "~standard": __, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  const plain: unknown = JSON.parse(JSON.stringify(rest));
  if (!isJsonObject(plain)) throw new Error("a JSON Schema is an object");
  return plain;
}
