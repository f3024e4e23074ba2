// `gantry task approvals`, `approve`, `reject` and `override`

import { approversInWords } from "@gantry/core/access/approvers.ts";
import { approvalView } from "@gantry/wire/agent/approvals.ts";
import { type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { readParams } from "../params.ts";
import { firstItems } from "../portal/pages.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import { type Call, type Context, type Outcome, UsageError } from "../table/command.ts";
import { taskPath } from "./task-of.ts";

/** The portal adds whether the caller may answer. */
const askedView = approvalView.extend({ mayApprove: z.boolean(), whyNot: z.string().optional() });
type Asked = z.output<typeof askedView>;

const MOST = 200;

export async function listApprovals({
  portal,
  flags: { mine },
  args: [task],
}: Call<{ readonly mine: boolean }, readonly [string | undefined]>): Promise<Outcome> {
  const asked = await readAsked(portal(), task);
  const items = mine ? asked.filter(({ mayApprove }) => mayApprove) : asked;
  const rows = items.map(({ task: id, job, question, demands, until }) => [
    id,
    job,
    question,
    demands
      .filter(({ missing }) => missing > 0)
      .map(({ approvers, missing }) => {
        return approversInWords({ approvers, count: missing });
      })
      .join(", and "),
    shortTime(until),
  ]);
  const text = textTable(["TASK", "JOB", "QUESTION", "WAITS FOR", "UNTIL (UTC)"], rows);
  return { value: items, text: rows.length === 0 ? "Nothing waits for an approval.\n" : text };
}

type Approve = {
  readonly reason: string | undefined;
  readonly input: readonly string[];
  readonly plan: string | undefined;
};

export async function approveJob(call: Call<Approve, readonly [string, string | undefined]>): Promise<Outcome> {
  const { flags, io } = call;
  const inputs = readParams(flags.input, io);
  const given = flags.input.length === 0 ? {} : { inputs };
  return answer(call, { answer: "approve", ...given, ...(flags.plan === undefined ? {} : { plan: flags.plan }) });
}

export async function rejectJob(
  call: Call<{ readonly reason: string }, readonly [string, string | undefined]>,
): Promise<Outcome> {
  return answer(call, { answer: "reject" });
}

export async function overrideJob({
  portal,
  flags: { reason },
  args: [id, job],
}: Call<{ readonly reason: string }, readonly [string, string]>): Promise<Outcome> {
  const task = await portal().post(`${taskPath(id)}/jobs/${encodeURIComponent(job)}/override`, { reason }, taskView);
  return { value: task, text: `${task.id}  ${task.headline}\n` };
}

type Answering = Pick<Context, "portal"> & {
  readonly flags: { readonly reason: string | undefined };
  readonly args: readonly [string, string | undefined];
};

async function answer(
  { portal, flags: { reason }, args: [id, job] }: Answering,
  said: { readonly answer: "approve" | "reject"; readonly plan?: string },
): Promise<Outcome> {
  const client = portal();
  const one = theOne(await readAsked(client, id), id, job);
  const body = { plan: one.plan, ...said, ...(reason === undefined ? {} : { reason }) };
  const path = `${taskPath(id)}/jobs/${encodeURIComponent(one.job)}/approval`;
  const task: TaskView = await client.post(path, body, taskView);
  const done = said.answer === "approve" ? "approved" : "rejected";
  return { value: task, text: `${done}: ${one.question}\n${task.id}  ${task.headline}\n` };
}

function readAsked(client: ReturnType<Context["portal"]>, task: string | undefined): Promise<readonly Asked[]> {
  return firstItems(client, "/v1/approvals", askedView, MOST, { task });
}

function theOne(asked: readonly Asked[], id: string, job: string | undefined): Asked {
  const found = asked.filter((one) => job === undefined || one.job === job);
  const [one, second] = found;
  if (one === undefined)
    throw new UsageError(
      `${job === undefined ? `Task ${id}` : `Job ${job} of task ${id}`} does not wait for an approval`,
    );
  if (second !== undefined)
    throw new UsageError(
      `Task ${id} waits for several approvals; name one job: ${found.map((each) => each.job).join(", ")}`,
    );
  return one;
}
