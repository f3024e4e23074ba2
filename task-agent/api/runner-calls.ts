// What the task-agent answers to runners, without HTTP: wire/runner/routes.ts declares the calls.

import { type RunnerCall, type RunnerHandlers, runnerCallsByPath } from "@gantry/wire/runner/routes.ts";

/**
 * The site for which the caller may speak, and a signal that is aborted when the caller has left. The signal is made for
 * calls that wait only: it costs as much as the rest of a small call.
 */
type Caller = readonly [site: string, gone: () => AbortSignal];

/** Only a poll waits. */
type Protocol = Omit<RunnerHandlers<readonly [site: string]>, "poll"> &
  Pick<RunnerHandlers<readonly [site: string, gone: AbortSignal]>, "poll">;

/** Path → call. */
export function runnerCalls(protocol: Protocol): ReadonlyMap<string, RunnerCall<Caller>> {
  return runnerCallsByPath<Caller>({
    ...protocol,
    poll: (request, site, gone) => protocol.poll(request, site, gone()),
  });
}
