// Errors in pipeline files. Part of the table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const PIPELINE_ERRORS = {
  "pipeline-invalid": {
    status: 400,
    message: "The pipeline file {file} has {count|mistake|mistakes}.",
    why: "{problem}",
    todo: "Correct the listed lines. `gantry lint` checks a file without running it.",
  },
  "expression-failed": {
    status: 422,
    message: "The expression {expression} could not be evaluated.",
    why: "{problem}",
    todo: "Correct the expression in the pipeline file.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
