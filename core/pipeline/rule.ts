// The input and the result of a rule for pipeline files.

import type { Trials } from "../expr/trials.ts";
import type { Typing } from "../expr/typed-check.ts";
import type { Path, PathProblem } from "../issues.ts";
import type { PipelineFile } from "./file.ts";
import type { Pipeline, StepDescription } from "./pipeline.ts";

export type RuleContext = {
  readonly file: PipelineFile;
  readonly pipeline: Pipeline;
  readonly steps: ReadonlyMap<string, StepDescription>;
  /** Types of expressions, from the types that `params` declares. */
  readonly typing: Typing;
  /** Ids as written in the file, including jobs that are too broken to be checked. */
  readonly jobIds: readonly string[];
  readonly trials: Trials;
  /** This place is in a template, where the file that includes it has put the values of its params. */
  readonly isIncluded: (path: Path) => boolean;
};

/** Checks the whole file and reports every mistake of one kind. */
export type Rule = (context: RuleContext) => readonly PathProblem[];
