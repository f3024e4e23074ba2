// What a job of a rollout adds to the request for its task, or why it needs none.

import { targetsOf } from "@gantry/core/app/targets.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import type { RolloutJob } from "@gantry/core/pipeline/pipeline.ts";
import type { JobState, TaskState } from "@gantry/core/task/model.ts";
import type { StartRequest } from "../tasks/decide-start.ts";
import type { StartDeps } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";

export type RolloutDeps = Pick<StartDeps, "journal" | "tasks"> & {
  readonly onlineSites: () => Promise<ReadonlySet<string>>;
};

/** No task starts. `needless`: why there is nothing for it to do. `passed`: the job had only to wait for its approval. */
export type Needless = { readonly needless: string } | { readonly passed: true };

/** Throws `conflict` when the rollout must stop. */
export async function rolloutPart(
  deps: RolloutDeps,
  state: TaskState,
  job: JobState,
  rollout: RolloutJob,
): Promise<Partial<StartRequest> | Needless> {
  switch (rollout.does) {
    case "gate":
      return { passed: true };
    case "deploy":
      return deployPart(await deps.onlineSites(), state, job, rollout.offline);
    case "rollback":
      return rollbackPart(deps, state, String(job.each));
  }
}

function deployPart(
  online: ReadonlySet<string>,
  { appScope, override }: TaskState,
  { each }: JobState,
  offline: "wait" | "skip" | "stop",
): Partial<StartRequest> | Needless {
  const names = isJsonObject(each) && Array.isArray(each.targets) ? each.targets.map(String) : [];
  const targets = targetsOf(appScope).filter(({ name }) => names.includes(name));
  const away = [...new Set(targets.flatMap(({ site }) => (site === undefined || online.has(site) ? [] : [site])))];
  if (away.length === 0 || offline === "wait") return override === undefined ? {} : { override: { reason: override } };
  const where = away.join(", ");
  if (offline === "skip")
    return {
      needless: `not deployed to ${names.join(", ")}, because no runner is online at ${where}: the target keeps its build until CD is run for it`,
    };
  throw new GantryError("conflict", {
    what: "The rollout",
    problem: `stops before ${names.join(", ")}`,
    why: `No runner is online at ${where}, and the wave says \`offline: stop\`.`,
    todo: `Start a runner at ${where}, and rerun what did not succeed.`,
  });
}

/** Only what a task of this rollout has deployed there last, and only when one of its targets was found unhealthy. */
async function rollbackPart(
  { journal, tasks }: Pick<RolloutDeps, "journal" | "tasks">,
  state: TaskState,
  target: string,
): Promise<Partial<StartRequest> | Needless> {
  const own = Object.values(state.jobs).flatMap(({ child }) => child?.task ?? []);
  const ended = await Promise.all(own.map(async (id) => (await tasks.read(id))?.state));
  const unhealthy = ended.flatMap((child) =>
    child?.rollback ? [] : (child?.result?.deployed ?? []).flatMap((one) => (one.unhealthy ? [one.target] : [])),
  );
  if (unhealthy.length === 0) return { needless: "not rolled back, because no target was found unhealthy" };
  const app = state.app === undefined ? undefined : (await appStream.load(journal, state.app))?.state;
  const last = app?.deployed?.[target];
  if (!last || !own.includes(last.task))
    return { needless: `not rolled back, because this rollout has deployed nothing to ${target}` };
  return { params: {}, rollback: { targets: [target], reason: `The rollout left ${unhealthy.join(", ")} unhealthy.` } };
}
