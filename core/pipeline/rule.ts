// What a rule of pipeline files sees, and what it answers.

import type { PathProblem } from "../issues.ts";
import type { PipelineFile } from "./file.ts";
import type { Pipeline, StepDescription } from "./pipeline.ts";

export type RuleContext = {
  readonly file: PipelineFile;
  readonly pipeline: Pipeline;
  readonly steps: ReadonlyMap<string, StepDescription>;
  /** Ids as written in the file, including jobs that are too broken to be checked. */
  readonly jobIds: readonly string[];
};

/** Looks at the whole file and reports every mistake of its kind. */
export type Rule = (context: RuleContext) => readonly PathProblem[];
