// The exit codes of all commands.

import type { ErrorCode } from "@gantry/core/errors.ts";

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notSignedIn: 3,
  forbidden: 4,
  notFound: 5,
  unreachable: 8,
  /** As a shell reports a process that Ctrl-C ended. */
  interrupted: 130,
} as const;

/** For the help and the reference. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, "done; a task that was followed succeeded"],
  [EXIT.failed, "a task failed, the portal refused the request, or the answer is no"],
  [EXIT.usage, "the command, a file or the configuration is wrong"],
  [EXIT.notSignedIn, "not signed in"],
  [EXIT.forbidden, "signed in, but not allowed"],
  [EXIT.notFound, "there is no such app, task, build, site …"],
  [EXIT.unreachable, "the portal cannot be reached"],
  [EXIT.interrupted, "Ctrl-C: a task that was followed continues"],
];

const CODES: { readonly [code in ErrorCode]?: number } = {
  unauthenticated: EXIT.notSignedIn,
  "password-wrong": EXIT.notSignedIn,
  forbidden: EXIT.forbidden,
  "not-found": EXIT.notFound,
  "app-unknown": EXIT.notFound,
  "pipeline-unknown": EXIT.notFound,
  unavailable: EXIT.unreachable,
  "bad-request": EXIT.usage,
  "bad-params": EXIT.usage,
  "argument-unusable": EXIT.usage,
  "config-invalid": EXIT.usage,
  "secret-unreadable": EXIT.usage,
  "pipeline-invalid": EXIT.usage,
  "archive-damaged": EXIT.usage,
  "backup-damaged": EXIT.usage,
  "store-busy": EXIT.usage,
  "store-unreachable": EXIT.usage,
  "store-newer": EXIT.usage,
  "store-unsafe": EXIT.usage,
  "store-refused": EXIT.usage,
  "data-unusable": EXIT.usage,
  "port-unusable": EXIT.usage,
  "topic-unfit": EXIT.usage,
  "bus-unreachable": EXIT.usage,
  "bus-refused": EXIT.usage,
};

export function exitCodeOf(code: ErrorCode): number {
  return CODES[code] ?? EXIT.failed;
}

/** Of an answer of the portal that is not read any further. */
export function exitCodeOfStatus(status: number): number {
  if (status < 400) return EXIT.ok;
  return { 400: EXIT.usage, 401: EXIT.notSignedIn, 403: EXIT.forbidden, 404: EXIT.notFound }[status] ?? EXIT.failed;
}
