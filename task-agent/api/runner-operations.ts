// The routes of `/agent/v1` about one runner: what it runs, and what operators ask of it.

import { GantryError } from "@gantry/core/errors.ts";
import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { RUNNER_ROUTES, RunnerDetail, RunnerJob } from "@gantry/wire/agent/sites/runners.ts";
import type { Dispatch } from "../dispatch/dispatch.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Sessions } from "../dispatch/sessions.ts";
import type { LeaseEntry } from "../leases/lease-table.ts";
import type { Leases } from "../leases/leases.ts";
import type { OwnLogs } from "../runner-protocol/own-logs.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { iso } from "./iso.ts";

export type RunnerOperationsDeps = {
  readonly registry: Pick<RunnerRegistry, "ask" | "find" | "runners">;
  readonly sessions: Pick<Sessions, "ask">;
  readonly ownLogs: Pick<OwnLogs, "read">;
  readonly dispatch: Pick<Dispatch, "onSlotsFree">;
  readonly leases: Pick<Leases, "ofRunner" | "terms">;
  readonly tasks: Pick<Tasks, "read">;
  readonly clock: Pick<Clock, "monotonicMs" | "nowMs">;
};

export function runnerOperations(deps: RunnerOperationsDeps): RouteHandlers<typeof RUNNER_ROUTES> {
  const { registry, sessions, dispatch, ownLogs } = deps;
  return {
    runner: ({ params: { name } }) => detailOf(deps, name),
    askRunner: async ({ params: { name }, body: { to, reason, principal } }) => {
      const { facts, asked } = await registry.ask(name, { to, reason, by: principal });
      sessions.ask(name, asked);
      // Jobs that wait for the runner say so at once, and a runner that works again gets jobs at once.
      dispatch.onSlotsFree(facts.site);
      return detailOf(deps, name);
    },
    runnerLog: async ({ ctx, params: { name }, query: { from, lines } }) => {
      return { runner: name, from, ...(await ownLogs.read(name, { from, lines }, clientGoneSignal(ctx))) };
    },
  };
}

/** Throws `not-found`, also for a runner out of service. */
async function detailOf(deps: RunnerOperationsDeps, name: string): Promise<RunnerDetail> {
  const { registry, leases, tasks } = deps;
  const stored = await registry.find(name);
  const view = (await registry.runners()).find((one) => one.name === name);
  if (!stored || !view) throw new GantryError("not-found", { kind: "runner", name });
  const held = leases.ofRunner(stored.facts).toSorted((a, b) => a.claimedAt - b.claimedAt);
  const jobs = await Promise.all(held.map(async (lease) => jobView(deps, lease, await tasks.read(lease.task))));
  return { ...view, registeredAt: iso(stored.at), jobs: jobs.filter((one) => one !== undefined) };
}

/** Undefined for a job that has ended in the meantime. */
function jobView(
  { leases, clock }: RunnerOperationsDeps,
  { task, job: key, mode, claimedAt, renewedMs }: LeaseEntry,
  record: TaskRecord | undefined,
): RunnerJob | undefined {
  const job = record?.state.jobs[key];
  if (!record || !job?.lease) return undefined;
  const { state, pipeline } = record;
  const step = job.steps.find((one) => one.state === "running" || one.state === "waiting");
  const definition = jobDefinition(pipeline, job.id).steps.find(({ id }) => id === step?.id);
  const renewedAt = clock.nowMs() - (clock.monotonicMs() - renewedMs);
  return {
    task,
    job: key,
    attempt: job.attempt,
    pipeline: pipeline.name,
    ...(state.app === undefined ? {} : { app: state.app }),
    since: iso(claimedAt),
    ...(step && (step.state === "running" || step.state === "waiting")
      ? {
          step: {
            id: step.id,
            title: definition?.title ?? step.id,
            state: step.state,
            since: iso(step.startedAt ?? claimedAt),
          },
        }
      : {}),
    lease: { mode, renewedAt: iso(renewedAt), endsAt: iso(renewedAt + leases.terms(mode).reassignAfterMs) },
  };
}
