// What the script of a step says by commands in its output: values to mask, annotations, how far it is.

import {
  ANNOTATION_LEVELS,
  type Annotation,
  annotationOf,
  MAX_OF_JOB,
  MAX_OF_LEVEL,
} from "@gantry/core/log/annotation.ts";
import { parseCommand, readCommands } from "@gantry/core/log/commands.ts";
import { progressOf, type StepProgress } from "@gantry/core/log/progress.ts";
import { MASK, type Masker, MIN_SECRET_LENGTH } from "@gantry/core/mask/masker.ts";
import { type LineHandler, MAX_COMMAND_LINE } from "./command-lines.ts";

/** What the scripts of all steps of one job have used of its limits. `summaries`: bytes. */
export type CommandUse = { masks: number; annotations: number; summaries: number };

export type Annotations = { readonly items: readonly Annotation[]; readonly leftOut: number };

export type StepCommands = LineHandler & {
  /** Forgets what an earlier try of the step said, except the values to mask. */
  readonly startTry: () => void;
  /** Of this try. They are masked, and within the limits of step and job. */
  readonly annotations: () => Annotations;
};

type Options = {
  /** Gets the values to mask. */
  readonly masker: Masker;
  readonly use: CommandUse;
  /** Folder of the job's files: places in it are shown relative to it. */
  readonly workspace: string;
  /** Called when the share in percent or the text has changed. */
  readonly onProgress: (progress: StepProgress) => void;
};

/** Each value costs time to search for, so a job may have this many of them. */
const MAX_MASKS = 50;
const MAX_MASKED_VALUE = 4_096;
const HIDDEN = `::add-mask::${MASK}`;

export function watchCommands({ masker, use, workspace, onProgress }: Options): StepCommands {
  let read = readCommands();
  let kept: Annotation[] = [];
  let leftOut = 0;
  let told = "";

  const hasRoom = (level: string): boolean =>
    kept.filter((one) => one.level === level).length < MAX_OF_LEVEL && use.annotations + kept.length < MAX_OF_JOB;
  const show = (line: string): void => {
    // Masked before it is taken apart, because a secret may contain what separates its parts.
    const command = parseCommand(masker.text(line));
    if (command === undefined) return;
    const progress = progressOf(command);
    if (progress) tell(masker.json(progress));
    const annotation = annotationOf(command);
    if (annotation) kept.push(inWorkspace(annotation, workspace));
  };
  const tell = (progress: StepProgress): void => {
    const now = `${Math.floor((100 * progress.done) / progress.total)} ${progress.text}`;
    if (now !== told) onProgress(progress);
    told = now;
  };
  const mask = (value: string): string => {
    const problem = maskProblem(value, use);
    if (problem !== undefined) return `${HIDDEN}\n[gantry] ${problem}`;
    use.masks += 1;
    masker.add(value);
    return HIDDEN;
  };

  return {
    take: (line) => {
      const command = read(line);
      if (command === undefined) return undefined;
      if (command.name === "add-mask") return mask(command.message);
      const isAnnotation = ANNOTATION_LEVELS.some((level) => level === command.name);
      if (isAnnotation && !hasRoom(command.name)) leftOut += 1;
      else if (isAnnotation || command.name === "progress") show(line);
      return undefined;
    },
    tooLong: (start) => {
      if (read(start)?.name !== "add-mask") return undefined;
      return `${HIDDEN}\n[gantry] The value of \`::add-mask::\` is not masked: its line is longer than ${MAX_COMMAND_LINE} bytes.`;
    },
    startTry: () => {
      read = readCommands();
      kept = [];
      leftOut = 0;
      told = "";
    },
    annotations: () => ({ items: masker.json(kept), leftOut }),
  };
}

function maskProblem(value: string, use: CommandUse): string | undefined {
  const notMasked = (why: string): string => `The value of \`::add-mask::\` is not masked: ${why}.`;
  if (value.trim().length < MIN_SECRET_LENGTH) return notMasked(`it is shorter than ${MIN_SECRET_LENGTH} characters`);
  if (value.length > MAX_MASKED_VALUE) return notMasked(`it is longer than ${MAX_MASKED_VALUE} characters`);
  return use.masks < MAX_MASKS ? undefined : notMasked(`this job has ${MAX_MASKS} such values already`);
}

function inWorkspace(annotation: Annotation, workspace: string): Annotation {
  const { file } = annotation;
  if (file === undefined) return annotation;
  const relative = file.startsWith(`${workspace}/`) ? file.slice(workspace.length + 1) : file;
  return { ...annotation, file: relative.replace(/^(?:\.\/+)+/, "") };
}
