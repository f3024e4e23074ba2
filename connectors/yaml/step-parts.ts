// What the steps of this folder share.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, type StepOutcome } from "@gantry/core/step/outcome.ts";
import { z } from "zod";
import { isInside } from "./files.ts";

const path = z.string().min(1).max(1024).refine(isInside, "must stay inside the directory");
export const files = z.array(path).min(1).max(200);
export const directory = path.default(".");
export const line = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s\p{Cc}]+$/u, "must be one word");

/** A file of the user's repository that cannot be edited is the user's to correct: failed, not errored. */
export async function orFailed<O>(work: () => Promise<StepOutcome<O>>): Promise<StepOutcome<O>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GantryError && error.code === "file-invalid") return failed(failureOf(error));
    throw error;
  }
}
