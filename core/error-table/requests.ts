// What is wrong with a request, or with answering it. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const REQUEST_ERRORS = {
  "bad-request": {
    status: 400,
    message: "The request is not valid: {problem}.",
    why: "A field is missing, unknown or has the wrong type.",
    todo: "Correct the listed fields and send the request again.",
  },
  "bad-params": {
    status: 400,
    message: "The parameters do not fit the pipeline {pipeline}.",
    why: "{problem}",
    todo: "Correct the listed parameters. GET /v1/pipelines/{pipeline} describes them.",
  },
  unauthenticated: {
    status: 401,
    message: "You are not signed in.",
    why: "The request carries no valid token or session.",
    todo: "Sign in, or send a valid token in the Authorization header.",
  },
  forbidden: {
    status: 403,
    message: "{who} may not {verb}.",
    why: "{why:The role of this person or token does not allow it.}",
    todo: "{todo:Ask an administrator for a role that allows it, or use a token with such a role.}",
  },
  "not-found": {
    status: 404,
    message: "There is no {kind} {name}.",
    why: "It does not exist, or it is not visible to you.",
    todo: "Check the name.",
  },
  conflict: {
    status: 409,
    message: "{what} {problem:was changed by someone else at the same time}.",
    why: "{why:Two changes were made at the same time.}",
    todo: "Read the current state, then repeat the request if it is still needed.",
    retryable: true,
  },
  "version-differs": {
    status: 412,
    message: "This was changed by someone else: its version is now {found}, not {wanted}.",
    why: "A change applies only to the version that its author has seen.",
    todo: "Read the current version, then repeat the change if it is still right.",
  },
  "too-many": {
    status: 429,
    message: "{who} has already started {limit|task|tasks} within one minute.",
    why: "That is the limit an administrator has set (setting tasks.perMinute).",
    todo: "Wait a minute, or ask an administrator to raise the limit.",
    retryable: true,
  },
  "limit-reached": {
    status: 429,
    message: "{who} has reached the limit of {limit} {what}.",
    why: "The limit keeps one caller from overloading the server for all others.",
    todo: "Wait, then try again{hint:}.",
    retryable: true,
  },
  "body-too-large": {
    status: 413,
    message: "{what:The request body} is larger than {limit} {unit:bytes}.",
    why: "The limit protects the server from overload.",
    todo: "Send less{hint:}.",
  },
  "method-not-allowed": {
    status: 405,
    message: "{method} is not allowed at this address.",
    why: "This address supports {allowed}.",
    todo: "Use one of these methods. GET /openapi.json lists every address.",
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
    why: "A body must be uncompressed JSON in UTF-8.",
    todo: "Send application/json without Content-Encoding.",
  },
  "range-outside": {
    status: 416,
    message: "The range is beyond the end of the log, which has {size|byte|bytes}.",
    why: "The range begins after the last byte.",
    todo: "Request a range that begins before byte {size}, or wait until the log has grown.",
  },
  "headers-too-large": {
    status: 431,
    message: "The headers of the request are too large.",
    why: "The limit protects the server from overload.",
    todo: "Send fewer or shorter headers, or a shorter address.",
  },
  "idempotency-key-missing": {
    status: 400,
    message: "The header Idempotency-Key is missing.",
    why: "The header makes a repeated request start the work only once.",
    todo: "Send a new UUID as Idempotency-Key, and the same UUID when you repeat the request.",
  },
  "idempotency-key-reused": {
    status: 422,
    message: "This Idempotency-Key was already used for another request.",
    why: "The earlier request with this key had a different body.",
    todo: "Use a new key for every new request.",
  },
  "app-exists": {
    status: 409,
    message: "The app {app} already exists.",
    why: "Task {task} created it.",
    todo: "Choose another name, or rerun task {task}: finished steps are not repeated.",
  },
  "app-unknown": {
    status: 404,
    message: "There is no app {app}.",
    why: "It was never created, or its creation did not succeed.",
    todo: "Create the app first, or check its name with GET /v1/apps.",
  },
  "pipeline-unknown": {
    status: 404,
    message: "There is no pipeline {pipeline}.",
    why: "No pipeline file defines this name.",
    todo: "Check the name with GET /v1/pipelines.",
  },
  "already-ended": {
    status: 409,
    message: "Task {task} has already ended as {outcome}.",
    why: "A task that has ended cannot change.",
    todo: "Rerun the task to run it again.",
  },
  unavailable: {
    status: 503,
    message: "{what} cannot be reached.",
    why: "{problem}",
    todo: "Wait and try again. The request can be repeated safely with the same Idempotency-Key.",
    retryable: true,
  },
  internal: {
    status: 500,
    message: "Gantry has a bug and could not complete this.",
    why: "{problem}",
    todo: "Report this with the request id. The log of the process has the details.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
