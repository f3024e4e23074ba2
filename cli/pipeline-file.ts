// Reads pipeline files and the step catalogue, for the commands `lint` and `plan`.

import { fileURLToPath } from "node:url";
import { type ParsedPipeline, parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { Io } from "./io.ts";

const CATALOGUE = fileURLToPath(new URL("../pipelines/catalogue.json", import.meta.url));

/** The part of Io that these commands need. */
export type FileIo = Pick<Io, "stdout" | "stderr" | "readFile">;

/** The steps of this version of Gantry, or those of another catalogue. */
export function readCatalogue(io: FileIo, path = CATALOGUE): readonly StepDescription[] {
  return JSON.parse(io.readFile(path)) as readonly StepDescription[];
}

/** A file that cannot be read is reported as a problem in its first line. */
export function readPipeline(io: FileIo, path: string, steps: readonly StepDescription[]): ParsedPipeline {
  let text: string;
  try {
    text = io.readFile(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { problems: [{ detail, file: path, line: 1, column: 1 }], warnings: [] };
  }
  return parsePipeline({ name: path, text }, steps);
}
