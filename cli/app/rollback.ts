// `gantry cd rollback`: back to the build that ran well before, and `gantry build hold` and `release`.

import { randomUUID } from "node:crypto";
import { type RollbackPlanView, type RollbackTargetView, rollbackPlan } from "@gantry/wire/agent/deployments.ts";
import { buildView, type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";
import { startedTask } from "../task/start-task.ts";

type Flags = {
  readonly target: readonly string[];
  readonly to: string | undefined;
  readonly reason: string | undefined;
  readonly plan: boolean;
  readonly follow: boolean;
};

export async function rollBack(call: Call<Flags, readonly [app: string]>): Promise<Outcome | number> {
  const [app] = call.args;
  const { target, to, reason } = call.flags;
  const number = to === undefined ? undefined : numberOf(to);
  const portal = call.portal();
  const path = `/v1/apps/${encodeURIComponent(app)}/rollback`;
  const query = new URLSearchParams({
    ...(target.length === 0 ? {} : { targets: target.join() }),
    ...(number === undefined ? {} : { to: String(number) }),
  });
  const plan = await portal.get(query.size === 0 ? path : `${path}?${query}`, rollbackPlan);
  if (call.flags.plan) return { value: plan, text: planText(app, plan) };
  call.io.stderr(planText(app, plan));
  const common = { ...(number === undefined ? {} : { to: number }), ...(reason === undefined ? {} : { reason }) };
  const post = (targets: readonly string[] | undefined): Promise<TaskView> =>
    portal.post(path, { ...common, ...(targets === undefined ? {} : { targets }) }, taskView, randomUUID());
  const groups = groupsOf(plan);
  // Nothing goes back, or a target that was named cannot: the portal says why.
  const isRefused = groups.length === 0 || (target.length > 0 && plan.targets.some(({ to: found }) => !found));
  const [first = target.length === 0 ? undefined : target, ...others] = isRefused ? [] : groups;
  const task = await post(first);
  for (const targets of others) {
    const { id } = await post(targets);
    call.io.stderr(`→ ${targets.join(", ")} goes back with the task ${id}\n`);
  }
  return startedTask(call, task, portal.url);
}

/** The targets of each build, in the order in which they go back: one task for each. */
function groupsOf({ targets }: RollbackPlanView): readonly (readonly string[])[] {
  const able = targets.filter(({ to }) => to !== undefined);
  return [...Map.groupBy(able, ({ to }) => to?.number).values()].map((all) => all.map(({ target }) => target));
}

function planText(app: string, { targets }: RollbackPlanView): string {
  if (targets.length === 0) return `Nothing of ${app} was deployed yet.\n`;
  return targets.map((one) => `  ${one.target}: ${wayOf(one)}${waitsOf(one)}\n`).join("");
}

function wayOf({ from, to, problem = "it cannot be rolled back" }: RollbackTargetView): string {
  if (!to) return problem;
  const now = from?.build === undefined ? "what is deployed" : `#${from.build}`;
  return `${now} → #${to.number} ${to.commit.slice(0, 7)}${to.subject === undefined ? "" : ` ${to.subject}`}`;
}

function waitsOf({ approval, closed }: RollbackTargetView): string {
  const asks = approval ? [`waits for ${approval.text}`] : [];
  const all = [...asks, ...(closed ? [closed.text.replace(/\.$/, "")] : [])];
  return all.length === 0 ? "" : ` (${all.join("; ")})`;
}

export async function holdBuild(
  call: Call<{ readonly reason: string }, readonly [app: string, build: string]>,
): Promise<Outcome> {
  const [app, build] = call.args;
  const { reason } = call.flags;
  const held = await call.portal().post(`${pathOf(app, build)}/hold`, { reason }, buildView);
  return { value: held, text: `Build #${held.number} of ${app} is held: CD does not choose it by itself.\n` };
}

export async function releaseBuild(call: Call<unknown, readonly [app: string, build: string]>): Promise<Outcome> {
  const [app, build] = call.args;
  const free = await call.portal().post(`${pathOf(app, build)}/release`, {}, buildView);
  return { value: free, text: `Build #${free.number} of ${app} is not held any more.\n` };
}

function pathOf(app: string, build: string): string {
  return `/v1/apps/${encodeURIComponent(app)}/builds/${numberOf(build)}`;
}

function numberOf(text: string): number {
  if (!/^#?[1-9]\d{0,8}$/.test(text))
    throw new UsageError(`${text}: use the number of a build, as \`gantry build list\` shows it`);
  return Number(text.replace("#", ""));
}
