// Finds records of the task-agent that no entry of the audit log explains: changes by another client of the agent, changes
// by a portal that was killed before it could record the outcome, and refusals of runners. Pure.

import { isJsonObject } from "@gantry/core/json.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type AuditEntry, type AuditFacts, harmless } from "@gantry/wire/audit/entry.ts";

type Change = "start" | "cancel" | "resolve" | "answer";

const CHANGES: { readonly [kind: string]: Change | undefined } = {
  TaskRequested: "start",
  TaskCancelRequested: "cancel",
  JobResolved: "resolve",
  ApprovalAnswered: "answer",
  PolicyOverridden: "answer",
};
const VERBS: { readonly [C in Change]: string } = {
  start: "run a pipeline",
  cancel: "cancel a task",
  resolve: "decide about a held job",
  answer: "approve, reject or override what a job waits for",
};
/** All other operations about a task start one. */
const CHANGES_OF_ROUTES: { readonly [route: string]: Change | undefined } = {
  cancelTask: "cancel",
  resolveJob: "resolve",
  answerApproval: "answer",
  overridePolicy: "answer",
};

/** `entries`: all entries from some minutes before the first event on. */
export function decideAgentChanges(
  events: readonly FeedEvent[],
  entries: readonly AuditEntry[],
): readonly AuditFacts[] {
  const explained = new Set(entries.flatMap(explainedBy));
  return events.flatMap((event) => {
    const refused = refusalOf(event);
    if (refused !== undefined)
      return explained.has(refusalKey(refused, event.data.task, event.time)) ? [] : [refusalFacts(event, refused)];
    const change = changeOf(event);
    return change === undefined || explained.has(`${change} ${event.data.task}`) ? [] : [factsOf(event, change)];
  });
}

/** Codes with which a runner refuses a step that tries to use what is not for its task. */
const REFUSED_BY_RUNNERS: ReadonlySet<string> = new Set([
  "outside-app",
  "secret-not-allowed",
  "fork-refused",
  "commit-not-own",
]);

function refusalOf({ data }: FeedEvent): string | undefined {
  const { kind, failure } = data.event;
  if (kind !== "StepEnded" || !isJsonObject(failure)) return undefined;
  return typeof failure.code === "string" && REFUSED_BY_RUNNERS.has(failure.code) ? failure.code : undefined;
}

function explainedBy({ kind, route = "", verb, on = {}, status = 0, code, since = "" }: AuditEntry): readonly string[] {
  if (on.task === undefined) return [];
  if (kind === "agent" && code !== undefined) return [refusalKey(code, on.task, since)];
  if (kind === "agent") {
    const change = (["start", "cancel", "resolve", "answer"] as const).find((one) => VERBS[one] === verb);
    return change === undefined ? [] : [`${change} ${on.task}`];
  }
  if (kind !== "done" || status === 0 || status >= 400) return [];
  return [`${CHANGES_OF_ROUTES[route] ?? "start"} ${on.task}`];
}

function changeOf({ data }: FeedEvent): Change | undefined {
  const { kind } = data.event;
  return typeof kind === "string" && Object.hasOwn(CHANGES, kind) ? CHANGES[kind] : undefined;
}

/** After the portal was killed, the comparison repeats some events. */
function refusalKey(code: string, task: string, time: string): string {
  return `${code} ${harmless(task)} ${new Date(time).toISOString()}`;
}

function refusalFacts({ data, time }: FeedEvent, code: string): AuditFacts {
  return {
    kind: "agent",
    who: { name: harmless(data.requestedBy) },
    verb: "run a step that uses more than the app; the runner refused it",
    on: onOf(data),
    code,
    since: new Date(time).toISOString(),
  };
}

function onOf({ task, app }: FeedEvent["data"]): NonNullable<AuditFacts["on"]> {
  return { task: harmless(task), ...(app === undefined ? {} : { app: harmless(app) }) };
}

function factsOf({ data, time }: FeedEvent, change: Change): AuditFacts {
  const { by, definition } = data.event;
  const who = change === "start" || typeof by !== "string" ? data.requestedBy : by;
  return {
    kind: "agent",
    who: { name: harmless(who) },
    verb: VERBS[change],
    on: onOf(data),
    ...(change === "start" && typeof definition === "string"
      ? { pipeline: { name: harmless(data.pipeline), definition: harmless(definition) } }
      : {}),
    since: new Date(time).toISOString(),
  };
}
