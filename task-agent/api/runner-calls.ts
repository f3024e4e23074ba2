// What the task-agent answers to runners, without HTTP: wire/runner/routes.ts declares the calls.

import { GantryError } from "@gantry/core/errors.ts";
import type { ParamsOf, Parsed } from "@gantry/runtime/http/route.ts";
import * as wire from "@gantry/wire/runner/protocol.ts";
import {
  type RUNNER_LOG,
  type RunnerCall,
  type RunnerHandlers,
  runnerCallsByPath,
} from "@gantry/wire/runner/routes.ts";
import type { LogStore } from "../logs/log-store.ts";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";

/** The site for which the caller may speak, and a signal that is aborted when the caller has left. */
type Caller = readonly [site: string, gone: AbortSignal];

/** Path → call. */
export function runnerCalls(protocol: RunnerHandlers<Caller>): ReadonlyMap<string, RunnerCall<Caller>> {
  return runnerCallsByPath(protocol);
}

/** The upload of a log: `query` is checked already; `bytes` are read once the caller may write them. */
export async function appendLog(
  { protocol, logs }: { readonly protocol: RunnerProtocol; readonly logs: LogStore },
  { task, job, attempt, step }: ParamsOf<typeof RUNNER_LOG>,
  query: Parsed<typeof RUNNER_LOG.query>,
  bytes: () => Promise<Buffer>,
  site: string,
): Promise<{ ack: number }> {
  const ref = wire.jobRef.safeParse({ task, job, attempt: Number(attempt), fence: query.fence });
  if (!ref.success || step.length === 0 || step.length > 200)
    throw new GantryError("bad-request", { problem: "the path of the log is invalid" });
  await protocol.mayLog(query.session, site, ref.data);
  const name = { task, job, attempt: ref.data.attempt, step };
  return { ack: await logs.append(name, query.offset, await bytes(), query.crc, query.final) };
}
