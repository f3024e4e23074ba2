// One table of errors: code → what happened, why, what to do. Call sites give a code and details, no sentences.
// A sentence may contain a detail as {name}; `explain` fills it in. Details must never contain secrets.

import { counted } from "./count.ts";
import { ARCHIVE_ERRORS } from "./error-table/archive.ts";
import type { ErrorEntry } from "./error-table/entry.ts";
import { PIPELINE_ERRORS } from "./error-table/pipelines.ts";
import { PROTOCOL_ERRORS } from "./error-table/protocol.ts";
import { REQUEST_ERRORS } from "./error-table/requests.ts";
import { SITE_ERRORS } from "./error-table/site.ts";
import { START_ERRORS } from "./error-table/start.ts";
import type { JsonObject } from "./json.ts";

export const ERRORS = {
  ...REQUEST_ERRORS,
  ...PIPELINE_ERRORS,
  ...PROTOCOL_ERRORS,
  ...SITE_ERRORS,
  ...START_ERRORS,
  ...ARCHIVE_ERRORS,
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

/** Every expected failure is one of these. Anything else that is thrown is a bug. */
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
    why: sentence(fill(why, error.details)),
    todo: fill(todo, error.details),
  };
}

/** Details often begin in lower case and have no full stop, because they are also used within sentences. */
function sentence(text: string): string {
  const begun = text.replace(/^(?:it|its|the|an?|this|there|no|nothing|they|one|two|element|status)\b/, (word) => {
    return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
  });
  return text === "" || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/**
 * `{name}` becomes the detail of this name. `{name:text}` becomes the text when there is no such detail.
 * `{count|file|files}` becomes a number with its noun. A detail that is a sentence ends with its own full stop.
 */
function fill(sentence: string, details: JsonObject): string {
  const counts = sentence.replace(/\{(\w+)\|(\w+)\|(\w+)\}/g, (_, name: string, one: string, many: string) =>
    counted(Number(details[name]), one, many),
  );
  return counts.replace(/\{(\w+)(?::([^}]*))?\}(\.?)/g, (_, name: string, otherwise = "", stop: string) => {
    const value = details[name] ?? otherwise;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return /[.!?…]$/.test(text) ? text : `${text}${stop}`;
  });
}
