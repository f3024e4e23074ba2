// The routes of `/agent/v1` about what a deployment would meet, rollbacks, and builds that are held.

import { approversInWords } from "@gantry/core/access/approvers.ts";
import type { Build, BuildHold } from "@gantry/core/build/build.ts";
import { escalationText } from "@gantry/core/concurrency/turns-text.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { DEPLOYMENT_ROUTES, DemandView, RollbackTargetView } from "@gantry/wire/agent/deployments.ts";
import type { BuildView } from "@gantry/wire/agent/views.ts";
import { holdAppend, loadVersion } from "../builds/build-stream.ts";
import { type Demanded, demandsOf } from "../builds/decide-demands.ts";
import { type RollbackTarget, rollbackTargets } from "../builds/decide-rollback.ts";
import { rollbackFacts } from "../builds/rollback.ts";
import { storeNow } from "../tasks/change-task.ts";
import { isAppName } from "../tasks/decide-start.ts";
import type { StartDeps } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import type { AppPipelines } from "./app-pipelines.ts";
import { buildView } from "./app-view.ts";
import { iso } from "./iso.ts";
import type { TaskCalls } from "./task-calls.ts";

export type DeploymentDeps = Pick<StartDeps, "journal" | "definitions">;

type Parts = {
  readonly calls: Pick<TaskCalls, "start">;
  readonly ofApps: Pick<AppPipelines, "choose">;
};

const MAX_CONFLICTS = 8;

export function deploymentHandlers(deps: DeploymentDeps, parts: Parts): RouteHandlers<typeof DEPLOYMENT_ROUTES> {
  const { journal, definitions } = deps;
  const environments = () => definitions.environments?.() ?? {};
  const hold = (name: string, number: string, by: string, reason: string | undefined): Promise<BuildView> =>
    changeHold(deps, name, number, (at) => (reason === undefined ? undefined : { by, at, reason }), by);
  return {
    demands: async ({ params: { name } }) => {
      const app = await requireApp(deps, name);
      return { items: demandsOf(app, environments(), await storeNow(journal)).map(demandView) };
    },
    rollbackPlan: async ({ params: { name }, query: { targets, to } }) => {
      const app = await requireApp(deps, name);
      const request = { targets: targets === undefined ? undefined : targets.split(","), to };
      const demands = demandsOf(app, environments(), await storeNow(journal), { rollback: true });
      const all = rollbackTargets(await rollbackFacts(journal, app), request, environments());
      return {
        targets: all.map((one) => ({
          ...demandView(demands.find(({ target }) => target === one.target) ?? { target: one.target }),
          ...targetView(one),
        })),
      };
    },
    rollback: async ({ params: { name }, body: { principal, idempotencyKey, ...rollback } }) => {
      await requireApp(deps, name);
      const pipeline = await parts.ofApps.choose(name, "cd", principal);
      return parts.calls.start({ pipeline, app: name, params: {}, idempotencyKey, principal, rollback });
    },
    holdBuild: ({ params: { name, number }, body: { principal, reason } }) => hold(name, number, principal, reason),
    releaseBuild: ({ params: { name, number }, body: { principal } }) => hold(name, number, principal, undefined),
  };
}

/** Throws `app-unknown`. */
async function requireApp({ journal }: DeploymentDeps, name: string): Promise<AppState> {
  const loaded = isAppName(name) ? await appStream.load(journal, name) : undefined;
  if (!loaded || loaded.state.state === "removed") throw new GantryError("app-unknown", { app: name });
  return loaded.state;
}

/** Throws `app-unknown`, `not-found`, and `conflict` when others kept committing first. */
async function changeHold(
  deps: DeploymentDeps,
  name: string,
  number: string,
  held: (at: number) => BuildHold | undefined,
  by: string,
): Promise<BuildView> {
  const app = await requireApp(deps, name);
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const loaded = /^[0-9]{1,9}$/.test(number) ? await loadVersion(deps.journal, app, Number(number)) : undefined;
    if (!loaded || !app.builds) throw new GantryError("not-found", { kind: "build", name: `${name} #${number}` });
    const at = await storeNow(deps.journal);
    const after = held(at);
    const append = holdAppend(app.builds.key, loaded, after, by, at);
    if (!(await deps.journal.append([append])).ok) continue;
    const { held: _, ...free } = loaded.build;
    const build: Build = after ? { ...free, held: after } : free;
    return buildView(build, app, deps.definitions.environments?.() ?? {});
  }
  throw new GantryError("conflict", { what: `Build #${number} of ${name}` });
}

function approvalDemand(asked: NonNullable<Demanded["approval"]>): NonNullable<DemandView["approval"]> {
  const { approvers, count, notOwn, escalate } = asked;
  const later = escalate === undefined ? "" : escalationText(escalate);
  return { approvers: [...approvers], count, notOwn, text: `${approversInWords(asked)}${later}` };
}

function demandView({ closed, approval, ...rest }: Demanded): DemandView {
  return {
    ...rest,
    ...(approval ? { approval: approvalDemand(approval) } : {}),
    ...(closed
      ? {
          closed: {
            code: closed.code,
            text: closed.text,
            ...(closed.opensAt === undefined ? {} : { opensAt: iso(closed.opensAt) }),
          },
        }
      : {}),
  };
}

function targetView(one: RollbackTarget): Pick<RollbackTargetView, "from" | "to" | "problem"> {
  const { from } = one;
  return {
    ...(from ? { from: { ...withoutBy(from), at: iso(from.at) } } : {}),
    ...("problem" in one ? { problem: one.problem } : { to: { ...briefOf(one.to), since: iso(one.since) } }),
  };
}

function withoutBy({ by: _, ...rest }: NonNullable<RollbackTarget["from"]>) {
  return rest;
}

function briefOf({ number, commit, branch, subject, author }: Build) {
  return {
    ...{ number, commit, branch },
    ...(subject === undefined ? {} : { subject }),
    ...(author === undefined ? {} : { author }),
  };
}
