// What people wish about tasks: start, cancel, rerun, resolve, look. Bodies are checked here; HTTP is elsewhere.

import { GantryError } from "@gantry/core/errors.ts";
import { decideCancel, decideResolve } from "@gantry/core/task/decide-task.ts";
import { parse } from "@gantry/runtime/http/problem.ts";
import { cancelTask, rerunTask, resolveJob, startTask as startTaskSchema } from "@gantry/wire/agent/agent-api.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { Leases } from "../leases/leases.ts";
import { rerunRequest, type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { taskView } from "./view.ts";

export type TaskCallsDeps = StartDeps & {
  readonly leases: Leases;
  readonly onCancel: (task: TaskRecord) => void;
};

export type TaskCalls = {
  /** Throws `not-found`. */
  readonly known: (id: string | undefined) => Promise<TaskRecord>;
  readonly view: (record: TaskRecord) => TaskView;
  readonly start: (body: unknown) => Promise<TaskView>;
  readonly cancel: (id: string, body: unknown) => Promise<TaskView>;
  readonly rerun: (id: string, body: unknown) => Promise<TaskView>;
  readonly resolve: (id: string, body: unknown) => Promise<TaskView>;
};

export function taskCalls(deps: TaskCallsDeps): TaskCalls {
  const { tasks } = deps;
  const known = async (id: string | undefined): Promise<TaskRecord> => {
    const record = id === undefined ? undefined : await tasks.read(id);
    if (!record) throw new GantryError("not-found", { kind: "task", name: id ?? "" });
    return record;
  };
  const view = (record: TaskRecord): TaskView => taskView(record.state, record.pipeline, record.version, deps.leases);
  return {
    known,
    view,
    start: async (body) => view(await startTask(deps, parse(startTaskSchema, body))),
    cancel: async (id, body) => {
      const { principal: by, reason } = parse(cancelTask, body);
      const { state } = await known(id);
      const record = await tasks.change(state.id, (task, now) => decideCancel(task.state, { by, reason }, now));
      deps.onCancel(record);
      return view(record);
    },
    rerun: async (id, body) => {
      const wish = parse(rerunTask, body);
      const { state } = await known(id);
      if (state.phase !== "ended")
        throw new GantryError("conflict", {
          what: `Task ${state.id}`,
          problem: "has not ended",
          why: "Only a task that has ended can be rerun.",
        });
      const again = rerunRequest(state, wish.principal, wish.idempotencyKey);
      const rerun = { of: state, keep: wish.from === "failed", definition: wish.definition };
      return view(await startTask(deps, again, rerun));
    },
    resolve: async (id, body) => {
      const wish = parse(resolveJob, body);
      const { state } = await known(id);
      return view(
        await tasks.change(state.id, (task, now) => decideResolve(task.state, { ...wish, by: wish.principal }, now)),
      );
    },
  };
}
