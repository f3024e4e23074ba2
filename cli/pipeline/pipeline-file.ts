// Reads pipeline files and the step catalogue, for the commands `lint`, `plan` and `graph`.

import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { type ParsedPipeline, parsePipeline, type Surroundings } from "@gantry/core/pipeline/parse.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import type { Io } from "../io.ts";

const CATALOGUE = fileURLToPath(new URL("../../pipelines/catalogue.json", import.meta.url));

/** The part of Io that these commands need. */
export type FileIo = Pick<Io, "readFile">;

/** The steps of this version of Gantry, or those of another catalogue. */
export function readCatalogue(io: FileIo, path = CATALOGUE): readonly StepDescription[] {
  const text = readArgument(io, path);
  try {
    return JSON.parse(text) as readonly StepDescription[];
  } catch (error) {
    const problem = `It is not JSON: ${(error as Error).message}.`;
    throw new GantryError("argument-unusable", { argument: `The step catalogue ${path}`, problem }, { cause: error });
  }
}

/** Throws `argument-unusable` when the file cannot be read. */
export function readArgument(io: FileIo, path: string): string {
  try {
    return io.readFile(path);
  } catch (error) {
    const problem = fileProblem(error);
    throw new GantryError("argument-unusable", { argument: `The file ${path}`, problem }, { cause: error });
  }
}

/** The folder of the set that a file is in: its folder includes has the templates. */
function setOf(path: string): string {
  const folder = dirname(path);
  return basename(dirname(resolve(path))) === "pipelines" ? join(folder, "..") : folder;
}

/** Undefined for a file that cannot be read. */
export function readIfThere(io: FileIo, path: string): string | undefined {
  try {
    return io.readFile(path);
  } catch {
    return undefined;
  }
}

/** A file that cannot be read is reported as a problem in its first line. */
export function readPipeline(
  io: FileIo,
  path: string,
  steps: readonly StepDescription[],
  surroundings?: Surroundings,
): ParsedPipeline {
  let text: string;
  try {
    text = io.readFile(path);
  } catch (error) {
    const detail = `the file cannot be read: ${fileProblem(error)}`;
    return { problems: [{ detail, file: path, line: 1, column: 1 }], warnings: [] };
  }
  const set = setOf(path);
  const includes = (include: string): string | undefined => readIfThere(io, join(set, include));
  const parsed = parsePipeline({ name: path, text, includes }, steps, surroundings);
  const inSet = (one: Problem): Problem =>
    one.file === undefined || one.file === path ? one : { ...one, file: join(set, one.file) };
  return { ...parsed, problems: parsed.problems.map(inSet), warnings: parsed.warnings.map(inSet) };
}
