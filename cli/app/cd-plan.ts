// `gantry cd plan`: what Run CD would change, without changing anything.

import { randomUUID } from "node:crypto";
import { type CdPlan, cdPlan, type PlanWarning, type TargetPlan } from "@gantry/wire/agent/deployments.ts";
import { feedEvent, page, type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import { EXIT } from "../line/exit-codes.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";
import { continues } from "../task/follow-task.ts";
import { taskPath } from "../task/task-of.ts";

type Flags = { readonly build: string | undefined; readonly target: readonly string[]; readonly diff: boolean };

/** The longest that one request waits for events, ms. */
const WAIT_MS = 20_000;

/** Exit code 0: it is known what happens, and nothing will fail. 1: something will, or is not known. */
export async function planCd(call: Call<Flags, readonly [app: string]>): Promise<Outcome | number> {
  const [app] = call.args;
  const { build, target, diff } = call.flags;
  if (build !== undefined && !/^#?\d{1,9}$|^sha256:/.test(build))
    throw new UsageError(`--build ${build}: use the number of a build, as \`gantry build list\` shows it`);
  const params = { ...(build === undefined ? {} : { build }), ...(target.length === 0 ? {} : { targets: target }) };
  const signal = call.io.interruption();
  const portal = call.portal(signal);
  const path = `/v1/apps/${encodeURIComponent(app)}/cd-plans`;
  const task = await portal.post(path, { params }, taskView, randomUUID());
  try {
    await untilEnded(portal, task);
  } catch (error) {
    if (!signal.aborted) throw error;
    call.io.stderr(continues(task.id));
    return EXIT.interrupted;
  }
  const plan = await portal.get(`${taskPath(task.id)}/cd-plan`, cdPlan);
  const text = `${planText(plan, diff)}${diff ? "" : `  The whole plan: ${portal.url}/tasks/${task.id}\n`}`;
  return { value: plan, text, code: isClear(plan) ? EXIT.ok : EXIT.failed };
}

async function untilEnded(portal: PortalClient, { id }: TaskView): Promise<void> {
  const events = page(feedEvent);
  for (let after = 0; ; ) {
    const { items } = await portal.get(`${taskPath(id)}/events?after=${after}&wait=${WAIT_MS}`, events);
    if (items.some((one) => one.data.event.kind === "TaskEnded")) return;
    after = items.at(-1)?.taskseq ?? after;
  }
}

function isClear({ state, problem, targets }: CdPlan): boolean {
  const isFine = ({ known, warnings }: TargetPlan): boolean =>
    known && !warnings.some(({ severity }) => severity === "fails" || severity === "unknown");
  return state === "ready" && problem === "" && targets.every(isFine);
}

function planText({ state, problem, targets }: CdPlan, withDiff: boolean): string {
  const head = problem === "" ? "" : `✗ ${problem}.\n`;
  const lost = state === "failed" ? "✗ Not every target has a plan. The task says why.\n" : "";
  return `${head}${targets.map((one) => targetText(one, withDiff)).join("")}${lost}`;
}

function targetText(one: TargetPlan, withDiff: boolean): string {
  const where = [one.site, one.environment].filter((name) => name !== undefined && name !== one.target).join(", ");
  const lines = [
    `${one.target}${where === "" ? "" : ` (${where})`}: ${summaryOf(one)}`,
    ...one.changes.map((change) => `  ${change}`),
    ...one.warnings.map((warning) => `  ${warningText(warning)}`),
    `  plan ${one.hash}`,
    ...(one.approval ? [`  waits for ${one.approval.text}`] : []),
    ...(withDiff && one.diff !== "" ? one.diff.split("\n").map((line) => `  ${line}`) : []),
  ];
  return `${lines.join("\n")}\n`;
}

function summaryOf({ known, problem, resources }: TargetPlan): string {
  if (!known) return `not known. ${problem}`;
  if (resources.length === 0) return "nothing changes";
  const count = (action: TargetPlan["resources"][number]["action"]): number =>
    resources.filter((one) => one.action === action).length;
  const parts = [
    [count("add"), "added"],
    [count("change"), "changed"],
    [count("remove"), "removed"],
  ] as const;
  return parts.flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`])).join(", ");
}

const MARKS = { fails: "✗ Will fail", careful: "! Careful", unknown: "? Not known", waits: "… Waits" } as const;

function warningText({ severity, text }: PlanWarning): string {
  return `${MARKS[severity]}: ${text}.`;
}
