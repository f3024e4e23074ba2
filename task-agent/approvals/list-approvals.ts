// What waits for people, as they see it: the question, and what will happen.

import { targetsOf } from "@gantry/core/app/targets.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { openDemands } from "@gantry/core/task/evolve-approval.ts";
import type { AppState, JobState, TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Page } from "@gantry/wire/agent/agent-client.ts";
import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import { iso } from "../api/iso.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { answerView } from "./answer-view.ts";

type Deps = { readonly journal: Pick<Journal, "find" | "load">; readonly tasks: Pick<Tasks, "read"> };

/** `limit` counts tasks; a task may wait for several approvals. */
export async function listApprovals(
  { journal, tasks }: Deps,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<ApprovalView>> {
  const after = cursor === undefined ? {} : { cursor };
  const page = await journal.find({ index: "approvals", order: "descending", limit, ...after });
  const records = await Promise.all(page.items.map((item) => tasks.read(taskStream.stateOf(item).id)));
  const items = await Promise.all(
    records.filter((record) => record !== undefined).map((one) => approvalsOf(journal, one)),
  );
  return { items: items.flat(), ...(page.cursor === undefined ? {} : { nextCursor: page.cursor }) };
}

export async function approvalsOf(
  journal: Pick<Journal, "load">,
  { state, pipeline }: TaskRecord,
): Promise<ApprovalView[]> {
  const waiting = Object.values(state.jobs).filter(isAsking);
  if (state.phase === "ended" || waiting.length === 0) return [];
  const app = state.app === undefined ? undefined : (await appStream.load(journal, state.app))?.state;
  return waiting.map((job) => {
    const definition = pipeline.jobs.find(({ id }) => id === job.id);
    const { title = job.id, approval } = definition ?? {};
    const schema = approval?.inputs;
    return {
      ...approvalView(state, job, title, app),
      // JSON Schema, read from a pipeline file. Its type has no index signature.
      ...(schema === undefined ? {} : { inputs: schema as unknown as NonNullable<ApprovalView["inputs"]> }),
    };
  });
}

type Asking = JobState & { readonly approval: NonNullable<JobState["approval"]> };

function isAsking(job: JobState): job is Asking {
  return job.phase === "pending" && job.approval?.state === "asked";
}

function approvalView(
  { id, title, app, pipeline, requestedBy, causedBy, build, appScope }: TaskState,
  { key, site, approval }: Asking,
  jobTitle: string,
  known: AppState | undefined,
): ApprovalView {
  const open = openDemands(approval);
  return {
    task: id,
    ...{ title, pipeline, jobTitle, site, requestedBy },
    ...(causedBy === undefined ? {} : { causedBy: [...causedBy] }),
    ...(app === undefined ? {} : { app }),
    job: key,
    question: approval.question,
    plan: approval.plan,
    requestedAt: iso(approval.requestedAt),
    until: iso(approval.expiresAt),
    demands: approval.demands.map((demand) => ({
      ...(demand.environment === undefined ? {} : { environment: demand.environment }),
      approvers: [...demand.approvers],
      count: demand.count,
      missing: open.find(({ environment }) => environment === demand.environment)?.missing ?? 0,
      notOwn: demand.notOwn,
      ...(demand.escalate === undefined || demand.escalated
        ? {}
        : { escalates: { at: iso(approval.requestedAt + demand.escalate.afterMs), to: [...demand.escalate.to] } }),
    })),
    answers: approval.answers.map(answerView),
    ...buildOf(build),
    targets: targetsOf(appScope)
      .filter(({ name }) => approval.targets.includes(name))
      .map(({ name, environment }) => {
        const now = known?.deployed?.[name]?.build;
        return {
          name,
          ...(environment === undefined ? {} : { environment }),
          ...(now === undefined ? {} : { build: now }),
        };
      }),
  };
}

/** An image without a build has the number 0. */
function buildOf(build: TaskState["build"]): Pick<ApprovalView, "build"> {
  if (!isJsonObject(build) || typeof build.number !== "number" || typeof build.commit !== "string") return {};
  const { number, commit, subject } = build;
  if (number === 0) return {};
  return { build: { number, commit, ...(typeof subject === "string" ? { subject } : {}) } };
}
