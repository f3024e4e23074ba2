// Rolls targets back that a deployment has left unhealthy, where their environment says so.

import { hash } from "node:crypto";
import { targetsOf } from "@gantry/core/app/targets.ts";
import { type Environments, environmentNamed } from "@gantry/core/build/environments.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import { type RollbackTarget, rollbackTargets } from "../builds/decide-rollback.ts";
import { rollbackFacts } from "../builds/rollback.ts";
import { isStoreBusy } from "../tasks/start-task.ts";
import { startAgain, type TriggerDeps } from "./start-triggered.ts";

export function hasAutomaticRollback(environments: Environments): boolean {
  return Object.values(environments).some(({ rollback }) => rollback?.automatic === true);
}

/**
 * Starts at most one task for each build that targets go back to; repeats start nothing again. `trigger`: the facts of the end of
 * the task. A refusal starts nothing: the page of the task that has failed shows its targets and what can be done. Rejects when
 * the store fails.
 */
export async function rollBackAfter(
  deps: TriggerDeps,
  state: TaskState,
  app: AppState,
  { facts, causedBy }: { readonly facts: JsonObject; readonly causedBy: readonly string[] },
): Promise<void> {
  const environments = deps.definitions.environments?.() ?? {};
  const targets = unhealthyTargets(state, app, environments);
  if (targets.length === 0 || (await isRolledBackByRollout(deps, state))) return;
  const found = rollbackTargets(await rollbackFacts(deps.journal, app), { targets }, environments);
  const able = found.filter((one): one is Extract<RollbackTarget, { to: unknown }> => "to" in one);
  for (const group of Map.groupBy(able, ({ to }) => to.number).values()) {
    const names = group.map(({ target }) => target);
    const reason = `The deployment left ${names.join(", ")} unhealthy.`;
    try {
      await startAgain(deps, {
        principal: "trigger:upstream",
        idempotencyKey: hash("sha256", JSON.stringify(["rollback", state.id, names])),
        pipeline: state.pipeline,
        app: app.name,
        params: {},
        rollback: { targets: names, reason },
        trigger: { kind: "upstream", ...facts },
        causedBy,
      });
    } catch (error) {
      if (!(error instanceof GantryError) || isStoreBusy(error)) throw error;
    }
  }
}

/** Two rollbacks of one target would go back two builds. */
async function isRolledBackByRollout({ tasks }: TriggerDeps, { parent }: TaskState): Promise<boolean> {
  const above = parent && (await tasks.read(parent.task));
  return above?.pipeline.finally.some(({ rollout }) => rollout?.does === "rollback") === true;
}

/** Where nothing else was deployed since. A rollback is not rolled back. */
function unhealthyTargets({ id, rollback, result }: TaskState, app: AppState, environments: Environments): string[] {
  if (rollback) return [];
  const targets = targetsOf(app.record);
  return (result?.deployed ?? []).flatMap(({ target, unhealthy }) => {
    const { environment } = targets.find(({ name }) => name === target) ?? {};
    const policy = environment === undefined ? undefined : environmentNamed(environments, environment);
    const isNewest = app.deployed?.[target]?.task === id;
    return unhealthy && isNewest && policy?.rollback?.automatic === true ? [target] : [];
  });
}
