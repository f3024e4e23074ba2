// Which changes of the task-agent no entry of the audit log explains: made by another client of the agent, or by a portal
// that was killed before it could record the outcome. Pure.

import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type AuditEntry, type AuditFacts, harmless } from "@gantry/wire/audit/entry.ts";

type Change = "start" | "cancel" | "resolve";

const CHANGES: { readonly [kind: string]: Change | undefined } = {
  TaskRequested: "start",
  TaskCancelRequested: "cancel",
  JobResolved: "resolve",
};
const VERBS: { readonly [C in Change]: string } = {
  start: "run a pipeline",
  cancel: "cancel a task",
  resolve: "decide about a held job",
};
/** Other operations about a task start it. */
const CHANGES_OF_ROUTES: { readonly [route: string]: Change | undefined } = {
  cancelTask: "cancel",
  resolveJob: "resolve",
};

/** `entries`: everything that was recorded since some minutes before the first of the events. */
export function decideAgentChanges(
  events: readonly FeedEvent[],
  entries: readonly AuditEntry[],
): readonly AuditFacts[] {
  const explained = new Set(entries.flatMap(explainedBy));
  return events.flatMap((event) => {
    const change = changeOf(event);
    return change === undefined || explained.has(`${change} ${event.data.task}`) ? [] : [factsOf(event, change)];
  });
}

function explainedBy({ kind, route = "", verb, on = {}, status = 0 }: AuditEntry): readonly string[] {
  if (on.task === undefined) return [];
  if (kind === "agent") {
    const change = (["start", "cancel", "resolve"] as const).find((one) => VERBS[one] === verb);
    return change === undefined ? [] : [`${change} ${on.task}`];
  }
  if (kind !== "done" || status === 0 || status >= 400) return [];
  return [`${CHANGES_OF_ROUTES[route] ?? "start"} ${on.task}`];
}

function changeOf({ data }: FeedEvent): Change | undefined {
  const { kind } = data.event;
  return typeof kind === "string" && Object.hasOwn(CHANGES, kind) ? CHANGES[kind] : undefined;
}

function factsOf({ data, time }: FeedEvent, change: Change): AuditFacts {
  const { by, definition } = data.event;
  const who = change === "start" || typeof by !== "string" ? data.requestedBy : by;
  return {
    kind: "agent",
    who: { name: harmless(who) },
    verb: VERBS[change],
    on: { task: harmless(data.task), ...(data.app === undefined ? {} : { app: harmless(data.app) }) },
    ...(change === "start" && typeof definition === "string"
      ? { pipeline: { name: harmless(data.pipeline), definition: harmless(definition) } }
      : {}),
    since: new Date(time).toISOString(),
  };
}
