// A set of definitions with the versions of its files.

import { createHash } from "node:crypto";
import { type CheckedSet, checkSet, type DefinitionFiles } from "@gantry/core/definitions/check-set.ts";
import type { SetFile } from "@gantry/core/definitions/set-files.ts";
import type { Problem } from "@gantry/core/errors.ts";
import { type ParsedPipeline, type PipelineText, parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";

/**
 * `version`: the digest of the file with the templates that it includes, and of the values that the installation gives to its params, if there are any. `file`:
 * its path in the set, and `digest` that of the file alone where it differs from `version`. Both are absent in sets that an
 * older version stored.
 */
export type Definition = {
  readonly pipeline: Pipeline;
  readonly version: string;
  readonly file?: string;
  readonly digest?: string;
};

export type DefinitionSet = Pick<CheckedSet, "environments" | "own" | "sites"> & {
  readonly definitions: readonly Definition[];
  /** The files that count besides the pipelines, by path. */
  readonly others: readonly OtherFile[];
};

/** `digest`: of its text, and with that its version. */
export type OtherFile = SetFile & { readonly digest: string };

/** A pipeline whose file was read and has no mistakes. */
export function definitionOf(file: string, text: string, pipeline: Pipeline): Definition {
  return { pipeline: { ...pipeline, origin: "platform" }, version: digestOf(text), file };
}

/** The definitions in these files, and every mistake in them. */
export function checkDefinitions(
  files: DefinitionFiles,
  steps: readonly StepDescription[],
): DefinitionSet & { readonly problems: readonly Problem[] } {
  const { pipelines, others, ...set } = checkSet(files, (name, text, includes) =>
    readPipeline({ name, text, includes }, steps),
  );
  const definitions = pipelines.map(({ file, text, pipeline, isPreset, included }) => {
    const plain = definitionOf(file, withIncluded(text, included), pipeline);
    // The params are part of the pipeline that tasks are pinned to, so they are part of its version.
    const version = digestOf(`${plain.version} ${JSON.stringify(pipeline.params)}`);
    return isPreset ? { ...plain, version, digest: plain.version } : plain;
  });
  return { ...set, definitions, others: others.map((one) => ({ ...one, digest: digestOf(one.text) })) };
}

/** A task keeps its templates, so another text of one is another version. */
function withIncluded(text: string, included: ParsedPipeline["included"]): string {
  if (included === undefined) return text;
  const parts = [...included].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [text, ...parts.map(([path, part]) => `${path}\n${part}`)].join("\n");
}

/** Of sets that were checked before, by their steps. In a set that has changed, most files are as they were. */
const checked = new WeakMap<readonly StepDescription[], Map<string, ParsedPipeline>>();
const MAX_CHECKED = 500;

/** As parsePipeline, which takes some ms per file. */
export function readPipeline(file: PipelineText, steps: readonly StepDescription[]): ParsedPipeline {
  const known = checked.get(steps) ?? new Map<string, ParsedPipeline>();
  checked.set(steps, known);
  const key = `${file.name}\n${file.text}`;
  const before = known.get(key);
  const parsed = before && hasSameTemplates(before, file) ? before : parsePipeline(file, steps);
  if (known.size >= MAX_CHECKED) known.clear();
  known.set(key, parsed);
  return parsed;
}

/** Where one was missing, it may be there now. */
function hasSameTemplates({ included, problems }: ParsedPipeline, { includes }: PipelineText): boolean {
  if (included === undefined) return problems.length === 0 || includes === undefined;
  return problems.length === 0 && [...included].every(([path, text]) => includes?.(path) === text);
}

export function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
