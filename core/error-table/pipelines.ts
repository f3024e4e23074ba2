// Errors in pipeline files. Part of the table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const PIPELINE_ERRORS = {
  "pipeline-invalid": {
    status: 400,
    message: "The pipeline file {file} has {count|mistake|mistakes}.",
    why: "{problem}",
    todo: "Correct the listed lines. `gantry lint` checks a file without running it.",
  },
  "pipelines-unread": {
    status: 503,
    message: "The app's own pipelines could not be read from its repository.",
    why: "{problem}",
    todo: "Try again. If this continues, look at the newest task of the app with the title “Read own pipelines”, and run `gantry doctor`.",
    retryable: true,
  },
  "pipeline-chosen": {
    status: 409,
    message: "This button starts the pipeline {pipeline}.",
    why: "It was chosen for the app, and the request names another one.",
    todo: "Start that pipeline.",
  },
  "pipeline-unclear": {
    status: 409,
    message: "It is not clear which pipeline this button starts.",
    why: "{problem}",
    todo: "Name one in `pipelines` of the app, or ask the platform team to correct `action` and `apps` of the pipelines.",
  },
  "expression-failed": {
    status: 422,
    message: "The expression {expression} could not be evaluated.",
    why: "{problem}",
    todo: "Correct the expression in the pipeline file.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
