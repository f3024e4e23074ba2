// What people do with tasks: start, cancel, rerun, resolve, read. Bodies were checked by their routes.

import { GantryError } from "@gantry/core/errors.ts";
import { hideSecretParams } from "@gantry/core/pipeline/secret-params.ts";
import { decideCancel, decideResolve } from "@gantry/core/task/decide-task.ts";
import type { Parsed } from "@gantry/runtime/http/route.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { RerunPlanView, TaskView } from "@gantry/wire/agent/views.ts";
import type { Leases } from "../leases/leases.ts";
import type { Rerun } from "../tasks/decide-start.ts";
import { planOfRerun, rerunRequest, type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { taskView } from "./view.ts";

export type TaskCallsDeps = StartDeps & {
  readonly leases: Leases;
  readonly onCancel: (task: TaskRecord) => void;
};

type Body<Name extends keyof AgentRoutes> = Parsed<AgentRoutes[Name]["body" & keyof AgentRoutes[Name]]>;

export type TaskCalls = {
  /** Throws `not-found` for an unknown task. */
  readonly requireTask: (id: string | undefined) => Promise<TaskRecord>;
  readonly view: (record: TaskRecord, reruns?: readonly string[]) => TaskView;
  readonly start: (body: Body<"startTask">) => Promise<TaskView>;
  readonly cancel: (id: string, body: Body<"cancel">) => Promise<TaskView>;
  /** Answers the new task. */
  readonly rerun: (id: string, body: Body<"rerun">) => Promise<TaskView>;
  /** What `rerun` would do. */
  readonly planRerun: (id: string, body: Body<"planRerun">) => Promise<RerunPlanView>;
  readonly resolve: (id: string, body: Body<"resolve">) => Promise<TaskView>;
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
  if (from !== "job" && request.job !== undefined) throw misplaced("job", "job");
  if ((from === "edited") !== (request.params !== undefined)) throw misplaced("params", "edited");
  return { of: state, before: pipeline, from: from === "job" ? { job: jobOf(request) } : from, definition };
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
  return {
    requireTask,
    view,
    start: async (body) => view(await startTask(deps, body)),
    cancel: async (id, { principal: by, reason }) => {
      const { state } = await requireTask(id);
      const record = await tasks.change(state.id, (task, now) => decideCancel(task.state, { by, reason }, now));
      deps.onCancel(record);
      return view(record);
    },
    rerun: async (id, request) => {
      const record = endedTask(await requireTask(id));
      return view(await startTask(deps, rerunRequest(deps, record, request), rerunOf(record, request)));
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
