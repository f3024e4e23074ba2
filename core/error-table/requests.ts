// What is wrong with a request, or with answering it. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const REQUEST_ERRORS = {
  "bad-request": {
    status: 400,
    message: "The request is not valid: {problem}.",
    why: "A field is missing, has the wrong type, or is not known.",
    todo: "Correct the fields that are listed and send the request again.",
  },
  "bad-params": {
    status: 400,
    message: "The parameters do not fit the pipeline {pipeline}.",
    why: "{problem}",
    todo: "Correct the parameters that are listed; GET /v1/pipelines/{pipeline} shows what they must look like.",
  },
  unauthenticated: {
    status: 401,
    message: "Nobody is signed in.",
    why: "The request carries no valid token or session.",
    todo: "Sign in, or send a valid token in the Authorization header.",
  },
  forbidden: {
    status: 403,
    message: "{who} may not {verb}.",
    why: "The role of this person or token does not include it.",
    todo: "Ask an administrator for the role, or use a token that has it.",
  },
  "not-found": {
    status: 404,
    message: "There is no {kind} {name}.",
    why: "It does not exist, or it is not visible to you.",
    todo: "Check the name.",
  },
  conflict: {
    status: 409,
    message: "{what} was changed by somebody else at the same time.",
    why: "Two changes met.",
    todo: "Read it again and repeat the request.",
    retryable: true,
  },
  "version-differs": {
    status: 412,
    message: "This was changed by somebody else: it has version {found} now, not {wanted}.",
    why: "A change is made for the version that its author has seen.",
    todo: "Read it again, and repeat the change if it is still right.",
  },
  "too-many": {
    status: 429,
    message: "{who} has started {limit} tasks within a minute.",
    why: "An administrator has set the limit (setting tasks.perMinute).",
    todo: "Wait a minute, or ask an administrator to raise it.",
    retryable: true,
  },
  "body-too-large": {
    status: 413,
    message: "The request body is larger than {limit} bytes.",
    why: "The limit protects the server.",
    todo: "Send less.",
  },
  "method-not-allowed": {
    status: 405,
    message: "{method} is not possible here.",
    why: "This address answers {allowed}.",
    todo: "Use one of these methods; GET /openapi.json lists every address.",
  },
  "request-timeout": {
    status: 408,
    message: "The request did not arrive in time.",
    why: "It was sent too slowly, or the connection broke.",
    todo: "Send it again.",
    retryable: true,
  },
  "media-type": {
    status: 415,
    message: "The request body cannot be read: {problem}.",
    why: "Bodies are JSON, in UTF-8, not compressed.",
    todo: "Send application/json without Content-Encoding.",
  },
  "range-outside": {
    status: 416,
    message: "There is nothing at this range: the log has {size} bytes.",
    why: "The range begins behind its end.",
    todo: "Ask for a range that begins before byte {size}, or wait until the log has grown.",
  },
  "headers-too-large": {
    status: 431,
    message: "The headers of the request are too large.",
    why: "The limit protects the server.",
    todo: "Send fewer or shorter headers, and a shorter address.",
  },
  "idempotency-key-missing": {
    status: 400,
    message: "The header Idempotency-Key is missing.",
    why: "Starting work twice by accident must be impossible.",
    todo: "Send a fresh UUID as Idempotency-Key, and the same one when you repeat the request.",
  },
  "idempotency-key-reused": {
    status: 422,
    message: "This Idempotency-Key was used for another request.",
    why: "The same key came with another body.",
    todo: "Use a fresh key for every new request.",
  },
  "app-exists": {
    status: 409,
    message: "The app {app} exists.",
    why: "Its creation succeeded earlier, in task {task}.",
    todo: "Choose another name, or rerun task {task}: steps that are done are not done again.",
  },
  "app-unknown": {
    status: 404,
    message: "There is no app {app}.",
    why: "It was never created, or its creation has not succeeded.",
    todo: "Create it first, or check the name in GET /v1/apps.",
  },
  "pipeline-unknown": {
    status: 404,
    message: "There is no pipeline {pipeline}.",
    why: "No definition file has this name.",
    todo: "Check the name in GET /v1/pipelines.",
  },
  "already-ended": {
    status: 409,
    message: "Task {task} has ended as {outcome}.",
    why: "The first end of a task is final.",
    todo: "Rerun it if you want it to run again.",
  },
  unavailable: {
    status: 503,
    message: "{what} cannot be reached.",
    why: "{problem}",
    todo: "Wait; the request is safe to repeat with the same Idempotency-Key.",
    retryable: true,
  },
  internal: {
    status: 500,
    message: "Gantry made a mistake.",
    why: "{problem}",
    todo: "Report it with the request id; the log of the process has the details.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
