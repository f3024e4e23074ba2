// What the task-agent answers to runners, without HTTP: wire/runner/routes.ts declares the calls.

import { type RunnerCall, type RunnerHandlers, runnerCallsByPath } from "@gantry/wire/runner/routes.ts";

/** The site for which the caller may speak, and a signal that is aborted when the caller has left. */
type Caller = readonly [site: string, gone: AbortSignal];

/** Path → call. */
export function runnerCalls(protocol: RunnerHandlers<Caller>): ReadonlyMap<string, RunnerCall<Caller>> {
  return runnerCallsByPath(protocol);
}
