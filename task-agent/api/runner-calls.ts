// The task-agent's answers to runners, without HTTP: wire/runner/routes.ts declares the calls.

import { type RunnerCall, type RunnerHandlers, runnerCallsByPath } from "@gantry/wire/runner/routes.ts";

/**
 * The site that the caller represents, and a signal that is aborted when the caller has disconnected. Only calls that wait
 * get a signal: it costs as much as the rest of a small call.
 */
export type Caller = readonly [site: string, gone: () => AbortSignal];

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
