// `gantry pipeline lint FILE…`: prints every error in pipeline files, one per line, in a format that editors understand.

import type { Problem } from "@gantry/core/errors.ts";
import { type PipelineText, upstreamProblems } from "@gantry/core/trigger/upstream.ts";
import type { Call } from "../table/command.ts";
import { readCatalogue, readPipeline } from "./pipeline-file.ts";

export async function lint({
  io,
  flags,
  args: [files],
}: Call<
  { readonly steps: string | undefined; readonly secrets: string | undefined },
  readonly [readonly string[]]
>): Promise<number> {
  const steps = readCatalogue(io, flags.steps);
  const known = flags.secrets?.split(",").map((name) => name.trim());
  let errors = 0;
  const sound: PipelineText[] = [];
  for (const path of files) {
    const { pipeline, problems, warnings } = readPipeline(io, path, steps, known);
    if (pipeline) sound.push({ file: path, text: io.readFile(path), pipeline });
    for (const one of problems) io.stdout(`${line(one)}\n`);
    for (const one of warnings) io.stdout(`${line({ ...one, detail: `warning: ${one.detail}` })}\n`);
    errors += problems.length;
  }
  // Other files of the set may have the pipelines that these name.
  const loops = upstreamProblems(sound);
  for (const one of loops) io.stdout(`${line(one)}\n`);
  return errors + loops.length === 0 ? 0 : 2;
}

export function line({ file, line, column, detail }: Problem): string {
  return `${file}:${line}:${column} ${detail}`;
}
