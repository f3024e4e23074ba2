// What decides when a task of a pipeline runs, as sentences for people who are about to run it. Pure.

import type { Escalation } from "../access/approval.ts";
import { templateInWords } from "../expr/in-words.ts";
import { formatDuration } from "../pipeline/duration.ts";
import type { Approval, Concurrency, Pipeline } from "../pipeline/pipeline.ts";

/** Nothing that is usual is said. */
export function turnsText({ concurrency, priority, expiresMs, undo }: Pipeline): readonly string[] {
  return [
    ...(concurrency === undefined ? [] : [concurrencyText(concurrency)]),
    ...(priority === undefined || priority === "normal" ? [] : [`Its priority is ${templateInWords(priority)}.`]),
    ...(expiresMs === undefined
      ? []
      : [`It ends when no runner has taken a job of it within ${formatDuration(expiresMs)}.`]),
    ...(undo === undefined ? [] : ["When it fails, what its steps have created is deleted again."]),
  ];
}

function concurrencyText({ group, policy, limit = 1 }: Concurrency): string {
  const many = limit === 1 ? "one task runs" : `${limit} tasks run`;
  const then = {
    queue: "a new one waits for its turn",
    "cancel-older": "a new one cancels the older ones",
    reject: "a new one is refused",
  }[policy];
  return `Of the concurrency group ${templateInWords(group)}, ${many} at a time: ${then}.`;
}

/** What is asked, and of how many of whom. */
export function approvalText({ question, approvers, count, escalate }: Approval): string {
  const people = count === 1 ? "one person" : `${count} people`;
  const whom = approvers.length === 0 ? "" : ` of ${approvers.join(", ")}`;
  return `${templateInWords(question)} (${people}${whom}${escalate === undefined ? "" : escalationText(escalate)})`;
}

/** To follow the names of those who are asked first. */
export function escalationText({ afterMs, to }: Escalation): string {
  return `, and after ${formatDuration(afterMs)} also of ${to.join(", ")}`;
}
