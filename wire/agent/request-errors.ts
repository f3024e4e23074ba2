// The errors of requests that start a task.

/** Of a request for a task, new or again. */
export const REQUEST_ERRORS = [
  "app-exists",
  "app-unknown",
  "bad-params",
  "conflict",
  "group-busy",
  "idempotency-key-reused",
  "own-pipeline-deploys",
  "pipeline-unknown",
  "policy-unmet",
  "rollback-impossible",
  "secret-unknown",
  "too-many",
] as const;
