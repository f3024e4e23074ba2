// What people do with tasks: start, cancel, rerun, resolve, read. Bodies were checked by their routes.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { hideSecretParams } from "@gantry/core/pipeline/secret-params.ts";
import { ROLLOUT } from "@gantry/core/rollout/rollout-pipeline.ts";
import { decideAnswer } from "@gantry/core/task/decide-approval.ts";
import { decideCancel, decideResolve } from "@gantry/core/task/decide-task.ts";
import type { Parsed } from "@gantry/runtime/http/route.ts";
import type { RerunPlanView } from "@gantry/wire/agent/rerun-plan.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { fanOutRequest } from "../children/fan-out-request.ts";
import { rolloutRequest } from "../children/rollout-request.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Leases } from "../leases/leases.ts";
import { missingWarnings, neededSystems } from "../tasks/decide-missing.ts";
import type { Rerun, StartRequest } from "../tasks/decide-start.ts";
import { planOfRerun, rerunRequest, type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { taskView } from "./view.ts";

export type TaskCallsDeps = StartDeps & {
  readonly leases: Leases;
  readonly onCancel: (task: TaskRecord) => void;
  readonly registry: Pick<RunnerRegistry, "stored" | "systems">;
};

type Body<Name extends keyof AgentRoutes> = Parsed<AgentRoutes[Name]["body" & keyof AgentRoutes[Name]]>;

export type TaskCalls = {
  /** Throws `not-found` for an unknown task. */
  readonly requireTask: (id: string | undefined) => Promise<TaskRecord>;
  readonly view: (record: TaskRecord, reruns?: readonly string[]) => TaskView;
  readonly start: (body: StartRequest) => Promise<TaskView>;
  readonly cancel: (id: string, body: Body<"cancel">) => Promise<TaskView>;
  /** Answers the new task. */
  readonly rerun: (id: string, body: Body<"rerun">) => Promise<TaskView>;
  /** What `rerun` would do. */
  readonly planRerun: (id: string, body: Body<"planRerun">) => Promise<RerunPlanView>;
  readonly resolve: (id: string, body: Body<"resolve">) => Promise<TaskView>;
  readonly answer: (id: string, job: string, body: Body<"answerApproval">) => Promise<TaskView>;
};

function endedTask(record: TaskRecord): TaskRecord {
  if (record.state.phase === "ended") return record;
  throw new GantryError("conflict", {
    what: `Task ${record.state.id}`,
    problem: "has not ended",
    why: "Only a task that has ended can be rerun.",
  });
}

/** Throws `bad-request` for `job` and `params` where `from` has no place for them, and for a `from` that lacks them. */
function rerunOf({ state, pipeline }: TaskRecord, request: Body<"planRerun">): Rerun {
  const { from, definition } = request;
  if (from === "edited" && pipeline.name === ROLLOUT) throw fixedWaves(state.id);
  if (from !== "job" && request.job !== undefined) throw misplaced("job", "job");
  if ((from === "edited") !== (request.params !== undefined)) throw misplaced("params", "edited");
  return { of: state, before: pipeline, from: from === "job" ? { job: jobOf(request) } : from, definition };
}

/** Its params say which targets are deployed together, and were made from the rollout of the app. */
function fixedWaves(task: string): GantryError {
  return new GantryError("conflict", {
    what: `Task ${task}`,
    problem: "cannot be rerun with other parameters",
    why: "It deploys in waves, which its first request has fixed.",
    todo: "Run CD again, with the build and the targets that you want.",
  });
}

function jobOf({ job }: Body<"planRerun">): string {
  if (job === undefined) throw misplaced("job", "job");
  return job;
}

function misplaced(key: string, from: string): GantryError {
  return new GantryError("bad-request", { problem: `\`${key}\` and \`from: ${from}\` belong together` });
}

export function taskCalls(deps: TaskCallsDeps): TaskCalls {
  const { tasks } = deps;
  const requireTask = async (id: string | undefined): Promise<TaskRecord> => {
    const record = id === undefined ? undefined : await tasks.read(id);
    if (!record) throw new GantryError("not-found", { kind: "task", name: id ?? "" });
    return record;
  };
  const view: TaskCalls["view"] = ({ state, pipeline, version }, reruns) =>
    taskView(state, pipeline, version, deps.leases, reruns);
  const withWarnings = async (record: TaskRecord): Promise<TaskView> => {
    const sites = new Set(deps.registry.stored().runners.map(({ site }) => site));
    const needs = neededSystems({
      pipeline: record.pipeline,
      jobs: Object.values(record.state.jobs),
      steps: deps.definitions.steps,
      hasRunner: (site) => sites.has(site),
    });
    const systemsAt = await deps.registry.systems([...new Set(needs.map(({ site }) => site))]);
    const warnings = missingWarnings(needs, systemsAt);
    return { ...view(record), ...(warnings.length === 0 ? {} : { warnings: [...warnings] }) };
  };
  return {
    requireTask,
    view,
    start: async ({ fanOut, ...body }) =>
      withWarnings(
        await startTask(deps, fanOut ? await fanOutRequest(deps, body, fanOut) : await rolloutRequest(deps, body)),
      ),
    cancel: async (id, { principal: by, reason }) => {
      const { state } = await requireTask(id);
      const record = await tasks.change(state.id, (task, now) => decideCancel(task.state, { by, reason }, now));
      deps.onCancel(record);
      return view(record);
    },
    rerun: async (id, request) => {
      const record = endedTask(await requireTask(id));
      return withWarnings(await startTask(deps, rerunRequest(deps, record, request), rerunOf(record, request)));
    },
    planRerun: async (id, request) => {
      const record = endedTask(await requireTask(id));
      const again = rerunRequest(deps, record, { ...request, idempotencyKey: "plan" });
      const { definition, decided } = await planOfRerun(deps, again, rerunOf(record, request));
      const { pipeline, version } = definition;
      return {
        task: record.state.id,
        definition: { name: pipeline.name, version },
        isSameDefinition: version === record.state.definition,
        params: hideSecretParams(pipeline.params, decided.event.params) as RerunPlanView["params"],
        jobs: [...(decided.plan ?? [])],
      };
    },
    answer: async (id, job, { principal: name, groups, roles, ...said }) => {
      const { state } = await requireTask(id);
      const answer = { job, ...said, who: { name, groups, roles }, inputs: said.inputs as JsonObject | undefined };
      const record = await tasks.change(state.id, (task, now, facts) => {
        return decideAnswer({ pipeline: task.pipeline, state: task.state, facts, now }, answer);
      });
      return view(record);
    },
    resolve: async (id, request) => {
      const { state } = await requireTask(id);
      return view(
        await tasks.change(state.id, (task, now) =>
          decideResolve(task.state, { ...request, by: request.principal }, now),
        ),
      );
    },
  };
}
