// `gantry pipeline lint FILE…`: prints every error in pipeline files, one per line, in a format that editors understand. A
// folder is a set of definitions, and checked like one.

import { lstatSync } from "node:fs";
import { join } from "node:path";
import { type ChildText, childProblems } from "@gantry/core/child/child-set.ts";
import { checkSet } from "@gantry/core/definitions/check-set.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { type ParsedPipeline, parsePipeline, type Surroundings } from "@gantry/core/pipeline/parse.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { upstreamProblems } from "@gantry/core/trigger/upstream.ts";
import { readSetFolder } from "../definitions/set-folder.ts";
import type { Io } from "../io.ts";
import type { Call } from "../table/command.ts";
import { excerpt } from "./excerpt.ts";
import { readCatalogue, readIfThere, readPipeline } from "./pipeline-file.ts";

export async function lint({
  io,
  flags,
  args: [files],
}: Call<
  { readonly steps: string | undefined; readonly secrets: string | undefined },
  readonly [readonly string[]]
>): Promise<number> {
  const steps = readCatalogue(io, flags.steps);
  const secrets = flags.secrets?.split(",").map((name) => name.trim());
  const known: Surroundings = { secrets, nowMs: Date.now() };
  let errors = 0;
  const sound: ChildText[] = [];
  for (const path of files) {
    const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    const found: ParsedPipeline = isFolder ? await lintSet(path, steps, known) : readPipeline(io, path, steps, known);
    const { problems, warnings } = found;
    if (found.pipeline) sound.push({ file: path, text: io.readFile(path), pipeline: found.pipeline });
    for (const one of problems) print(io, one);
    for (const one of warnings) print(io, { ...one, detail: `warning: ${one.detail}` });
    errors += problems.length;
  }
  // Other files of the set may have the pipelines that these name.
  const loops = [...upstreamProblems(sound), ...childProblems(sound)];
  for (const one of loops) print(io, one);
  return errors + loops.length === 0 ? 0 : 2;
}

/** One line for an editor; for a person also the line of the file, with a caret under the place. */
function print(io: Pick<Io, "stdout" | "readFile" | "tty">, one: Problem): void {
  io.stdout(`${line(one)}\n`);
  if (!io.tty || one.file === undefined || one.line === undefined) return;
  // Where the file cannot be read, the message says so.
  const text = readIfThere(io, one.file);
  if (text !== undefined) io.stdout(excerpt(text, one.line, one.column ?? 1));
}

/** As the task-agent checks the set before it puts it in force. */
async function lintSet(
  folder: string,
  steps: readonly StepDescription[],
  known: Surroundings,
): Promise<ParsedPipeline> {
  const warnings: Problem[] = [];
  const { pipelines, problems } = checkSet(await readSetFolder(folder), (name, text, includes) => {
    const parsed = parsePipeline({ name, text, includes }, steps, known);
    warnings.push(...parsed.warnings);
    return parsed;
  });
  const none = pipelines.length === 0 && problems.length === 0 ? [{ detail: "there is no pipeline file" }] : [];
  const inFolder = (one: Problem): Problem => ({
    ...one,
    file: one.file === undefined ? folder : join(folder, one.file),
  });
  return { problems: [...problems, ...none].map(inFolder), warnings: warnings.map(inFolder) };
}

export function line({ file, line = 1, column = 1, detail }: Problem): string {
  return `${file}:${line}:${column} ${detail}`;
}
