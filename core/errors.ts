// One table of errors: code → what happened, why, what to do. Call sites carry a code and details, never prose.
// A sentence may name a detail as {name}; `explain` fills it in. Secrets must never be given as details.

import type { JsonObject } from "./json.ts";

export type ErrorEntry = {
  /** HTTP status where the error reaches an API. */
  readonly status: number;
  /** What happened. */
  readonly message: string;
  readonly why: string;
  /** What to do about it. */
  readonly todo: string;
  /** Worth trying again without changing anything? */
  readonly retryable?: true;
};

export const ERRORS = {
  // --- requests -----------------------------------------------------------------------------------------------------
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
  // --- pipelines ----------------------------------------------------------------------------------------------------
  "pipeline-invalid": {
    status: 400,
    message: "The pipeline file {file} has {count} mistakes.",
    why: "{problem}",
    todo: "Correct the lines that are listed; `gantry lint` checks a file without running it.",
  },
  "expression-failed": {
    status: 422,
    message: "The expression {expression} could not be evaluated.",
    why: "{problem}",
    todo: "Correct the expression in the pipeline file.",
  },
  // --- runners, leases ----------------------------------------------------------------------------------------------
  "session-gone": {
    status: 410,
    message: "This runner session is over.",
    why: "A newer process of the same runner has registered, or the agent no longer knows the session.",
    todo: "Open a new session.",
  },
  "lease-lost": {
    status: 409,
    message: "The lease of this attempt is over.",
    why: "{problem}",
    todo: "Stop the work of this attempt; nothing it reports counts any more.",
  },
  "offer-gone": {
    status: 409,
    message: "The offer is no longer open.",
    why: "{problem}",
    todo: "Forget it and poll again.",
  },
  "report-differs": {
    status: 409,
    message: "Attempt {attempt} was reported as {first} before; now it is reported otherwise, as {second}.",
    why: "Two processes may be speaking for one attempt, or a runner's disk was restored from a copy.",
    todo: "Nothing: the first report stands. Look at the log of the runner.",
  },
  "cancel-unconfirmed": {
    status: 422,
    message: "Runner {runner} did not confirm that it stopped.",
    why: "It was not heard of after the cancel.",
    todo: "Look at what the job was doing before you run it again: it may have gone on for a while.",
  },
  "runner-refused": {
    status: 401,
    message: "The task-agent at {agent} refuses the runner {runner}.",
    why: "Its token is not valid any more, or somebody has taken the runner out of service.",
    todo: "Give it a valid token, or another name, and start it again.",
  },
  "kill-failed": {
    status: 500,
    message: "Processes of the job could not be ended on runner {runner}.",
    why: "They survived SIGKILL; usually they hang in the kernel on a disk or a network file system.",
    todo: "Restart the machine or container of runner {runner}; it takes no more jobs.",
  },
  "log-rewind": {
    status: 416,
    message: "The log is at byte {ack}, not at {offset}.",
    why: "Bytes are missing or were sent before.",
    todo: "Send from byte {ack}.",
  },
  "log-differs": {
    status: 409,
    message: "The log has other bytes at this place.",
    why: "A chunk that was sent again does not equal the first one.",
    todo: "Stop sending; the first bytes stay.",
  },
  // --- work at a site -----------------------------------------------------------------------------------------------
  "step-unknown": {
    status: 422,
    message: "This runner does not know the step {step}.",
    why: "The pipeline was written for a newer version of Gantry, or the name is misspelt.",
    todo: "Update the runner, or correct the name.",
  },
  "bad-input": {
    status: 422,
    message: "The input of step {step} is not valid.",
    why: "{problem}",
    todo: "Correct `with:` of this step in the pipeline file.",
  },
  "system-missing": {
    status: 422,
    message: "Site {site} has no {kind} system{name}.",
    why: "The step {step} needs one, and the runner's configuration names none.",
    todo: "Add it under `systems:` in the runner's configuration of site {site}.",
  },
  "credential-missing": {
    status: 422,
    message: "Site {site} has no secret {secret}.",
    why: "{problem}",
    todo: "Add it under `secrets:` in the runner's configuration of site {site}, or provide the file or variable it names.",
  },
  "credential-refused": {
    status: 422,
    message: "{system} refused the credentials.",
    why: "{problem}",
    todo: "Renew the credential of {system} in the runner's configuration, then rerun from this step.",
  },
  "system-forbidden": {
    status: 422,
    message: "{system} does not allow this: {what}.",
    why: "{problem}",
    todo: "Give the account that Gantry uses at {system} the missing right.",
  },
  "system-unavailable": {
    status: 503,
    message: "{system} did not answer properly: {what}.",
    why: "{problem}",
    todo: "Nothing at once: it is tried again. If it goes on, look at {system}.",
    retryable: true,
  },
  "system-refused": {
    status: 422,
    message: "{system} refused: {what}.",
    why: "{problem}",
    todo: "Correct what {system} complains about, then rerun from this step.",
  },
  "system-strange": {
    status: 502,
    message: "{system} gave an answer that Gantry does not understand: {what}.",
    why: "{problem}",
    todo: "Check the address and the version of {system}; a proxy or a login page may be answering in its place.",
  },
  "effect-unknown": {
    status: 409,
    message: "It is not known whether an earlier attempt made {what}.",
    why: "The answer of {system} was lost, and {system} does not show it.",
    todo: "Look at {system}. If it is there, mark this step as done; if not, run it again in a new task.",
  },
  "exists-foreign": {
    status: 409,
    message: "{what} exists, and Gantry did not make it for this app.",
    why: "{problem}",
    todo: "Choose another name, or remove it by hand.",
  },
  "script-failed": {
    status: 422,
    message: "The script ended with exit code {exit}.",
    why: "{problem}",
    todo: "Read the log of this step.",
  },
  "outputs-invalid": {
    status: 422,
    message: "The outputs cannot be used.",
    why: "{problem}",
    todo: "Outputs are short facts for later steps: write `name=value` lines to the file that GANTRY_OUTPUT names, and keep data in files.",
  },
  "timed-out": {
    status: 422,
    message: "{what} took longer than {limit}.",
    why: "The limit is set in the pipeline file.",
    todo: "Find out what hangs, or raise `timeout:`.",
  },
  "file-invalid": {
    status: 422,
    message: "The file {file} cannot be edited.",
    why: "{problem}",
    todo: "Correct the file in its repository, then rerun from this step.",
  },
  superseded: {
    status: 409,
    message: "{what} has gone on to a newer commit.",
    why: "{problem}",
    todo: "Nothing, when the newer commit is the one you want; to go back, revert in the yaml repository and run CD again.",
  },
  "gate-failed": {
    status: 422,
    message: "{gate} is red.",
    why: "{problem}",
    todo: "{todo}",
  },
  "program-missing": {
    status: 422,
    message: "The program {program} is not on this runner.",
    why: "It is in no folder of the runner's PATH.",
    todo: "Install {program} on the runners of this site, or ask with `labels:` for a runner that has it.",
  },
  "dockerfile-invalid": {
    status: 422,
    message: "The image cannot be built: the Dockerfile or the files it names are wrong.",
    why: "{problem}",
    todo: "Correct the lines that are listed, and push again.",
  },
  "no-builder": {
    status: 422,
    message: "This Dockerfile needs an image builder that the runner does not have.",
    why: "{problem}",
    todo: "Install buildah, buildctl, podman, docker or kaniko on a runner and ask for it with `labels:`, or make the Dockerfile only copy files and set metadata.",
  },
  // --- start --------------------------------------------------------------------------------------------------------
  "config-invalid": {
    status: 500,
    message: "The configuration is not valid.",
    why: "{problem}",
    todo: "Correct what is listed and start again.",
  },
  "store-busy": {
    status: 500,
    message: "The journal {file} is in use by another process.",
    why: "Only one process may own it; the lock is held by {owner}.",
    todo: "Stop the other process, or use another data folder.",
  },
  "store-newer": {
    status: 500,
    message: "The journal {file} was written by a newer version of Gantry.",
    why: "It has migration {found}; this version knows {known}.",
    todo: "Start the newer version, or restore a backup.",
  },
  "store-unsafe": {
    status: 500,
    message: "Redis at {address} is not safe as a journal: {problem}.",
    why: "It could lose what it has acknowledged.",
    todo: "{todo}",
  },
  "store-refused": {
    status: 500,
    message: "Redis at {address} does not let Gantry in.",
    why: "{problem}",
    todo: "Correct the user, the password or the rights of the journal's account, and start again.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };

export type ErrorCode = keyof typeof ERRORS;

export type Explanation = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly why: string;
  readonly todo: string;
};

/** One place in an input that is wrong: a JSON pointer for requests, file, line and column for files. */
export type Problem = {
  readonly detail: string;
  readonly pointer?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};

/** Every expected failure is one of these. Anything else that is thrown is a bug of ours. */
export class GantryError extends Error {
  readonly code: ErrorCode;
  readonly details: JsonObject;
  readonly problems: readonly Problem[];
  override readonly name = "GantryError";

  constructor(
    code: ErrorCode,
    details: JsonObject = {},
    options: { cause?: unknown; problems?: readonly Problem[] } = {},
  ) {
    super(fill(ERRORS[code].message, details), options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.details = details;
    this.problems = options.problems ?? [];
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

/** The three sentences of an error, with its details filled in. */
export function explain(error: GantryError): Explanation {
  const { message, why, todo } = error.entry;
  return {
    code: error.code,
    message: fill(message, error.details),
    why: fill(why, error.details),
    todo: fill(todo, error.details),
  };
}

function fill(sentence: string, details: JsonObject): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = details[name];
    return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  });
}
