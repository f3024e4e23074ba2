// Folds what people are asked and answer about a job into its state; see evolve.ts.

import { approversInWords } from "../access/approvers.ts";
import type { TaskEventOf } from "./events.ts";
import type { ApprovalState, Demand, JobState } from "./model.ts";

export type ApprovalEvent = TaskEventOf<
  "ApprovalRequested" | "ApprovalReminded" | "ApprovalEscalated" | "ApprovalAnswered" | "ApprovalExpired"
>;

export function evolveApproval(job: JobState, event: ApprovalEvent): Pick<JobState, "phase" | "approval" | "waiting"> {
  const approval = next(job, event);
  const { state, requestedAt, expiresAt } = approval;
  const waiting =
    state === "asked"
      ? { code: "approval", text: approvalInWords(approval), since: requestedAt, until: expiresAt }
      : undefined;
  return { phase: "pending", approval, waiting };
}

function next(job: JobState, event: ApprovalEvent): ApprovalState {
  if (event.kind === "ApprovalRequested") {
    const { plan, question, demands, environments, targets, until, at } = event;
    const times = { requestedAt: at, expiresAt: until };
    return { plan, question, demands, environments, targets, ...times, answers: [], state: "asked" };
  }
  const { approval } = job;
  if (approval?.state !== "asked") throw new Error(`job ${job.key}: approval ${approval?.state} -> ${event.kind}`);
  if (event.kind === "ApprovalReminded") return { ...approval, reminded: true };
  if (event.kind === "ApprovalEscalated") {
    const { escalated } = event;
    return { ...approval, demands: approval.demands.map((one, at) => (escalated.includes(at) ? widened(one) : one)) };
  }
  if (event.kind === "ApprovalExpired") return { ...approval, state: "expired" };
  const { by, at, answer, reason, inputs, counts } = event;
  const answered = { ...approval, answers: [...approval.answers, { by, at, answer, reason, inputs, counts }] };
  if (answer === "reject") return { ...answered, state: "rejected" };
  return { ...answered, state: openDemands(answered).length === 0 ? "approved" : "asked" };
}

function widened(demand: Demand): Demand {
  const approvers = [...new Set([...demand.approvers, ...(demand.escalate?.to ?? [])])];
  return { ...demand, approvers, escalated: true };
}

/** The demands that too few different people have met, with how many are missing. */
export function openDemands(
  approval: Pick<ApprovalState, "demands" | "answers">,
): readonly (Demand & { readonly missing: number })[] {
  return approval.demands.flatMap((demand, at) => {
    const missing = missingOf(approval, at);
    return missing > 0 ? [{ ...demand, missing }] : [];
  });
}

/** How many people are missing for the demand at this index; none: 0 or less. */
export function missingOf({ demands, answers }: Pick<ApprovalState, "demands" | "answers">, at: number): number {
  const people = answers.filter(({ answer, counts }) => answer === "approve" && counts.includes(at));
  return (demands[at]?.count ?? 0) - new Set(people.map(({ by }) => by)).size;
}

function approvalInWords(approval: ApprovalState): string {
  const wanted = openDemands(approval).map(({ environment, approvers, missing }) => {
    return `${approversInWords({ approvers, count: missing })}${environment === undefined ? "" : ` for ${environment}`}`;
  });
  const given = approval.answers.map(({ by }) => by);
  const known = given.length === 0 ? "" : ` ${given.join(", ")} approved it already.`;
  return `Waiting for the approval of ${wanted.join(", and ")}.${known}`;
}
