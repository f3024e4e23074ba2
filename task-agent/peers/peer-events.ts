// What this agent does when another agent has committed something to the shared journal.

import type { JsonValue } from "@gantry/core/json.ts";
import type { JournalEvent } from "@gantry/journal/journal.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Sessions } from "../dispatch/sessions.ts";
import type { Pauses } from "../pauses/pauses.ts";
import type { OwnLogs } from "../runner-protocol/own-logs.ts";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";
import type { RetryQueue } from "../tasks/retry-queue.ts";
import { taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";

export type PeerEventsDeps = {
  readonly tasks: Pick<Tasks, "onPeerEvents">;
  readonly pauses: Pick<Pauses, "isAbout" | "refresh">;
  readonly sessions: Pick<Sessions, "ask" | "end">;
  readonly registry: Pick<RunnerRegistry, "find" | "isNewer" | "load">;
  readonly protocol: Pick<RunnerProtocol, "onClaimCommitted">;
  readonly ownLogs: Pick<OwnLogs, "onPeerEvent">;
  readonly retries: RetryQueue;
};

const ENDS_SESSION: ReadonlySet<JsonValue | undefined> = new Set([
  "RunnerRegistered",
  "RunnerRemoved",
  "RunnerEnrolled",
  "RunnerKeyRevoked",
]);

/** Rejects when a task cannot be loaded; the same events may then be handled again. */
export async function handlePeerEvents(deps: PeerEventsDeps, events: readonly JournalEvent[]): Promise<void> {
  if (deps.pauses.isAbout(events)) await deps.pauses.refresh();
  let isStoredNew = false;
  for (const { event, version } of events) {
    if (typeof event.runner !== "string") continue;
    if (event.kind === "RunnerAsked") deps.sessions.ask(event.runner, (await deps.registry.find(event.runner))?.asked);
    if (event.kind === "RunnerLogAsked" || event.kind === "RunnerLogAnswered")
      await deps.ownLogs.onPeerEvent(event.runner);
    if (!ENDS_SESSION.has(event.kind)) continue;
    // A runner that has registered at another agent gets no more offers here.
    if (event.kind === "RunnerRegistered" && !deps.registry.isNewer(event.runner, version)) continue;
    deps.sessions.end(event.runner);
    isStoredNew = true;
  }
  if (isStoredNew) await deps.registry.load();
  await deps.tasks.onPeerEvents(events);
  for (const item of events) {
    const task = taskStream.idOf(item.stream);
    const event = task === undefined ? undefined : taskStream.eventOf(item);
    if (task === undefined || event?.kind !== "JobClaimed") continue;
    // Not awaited: giving a lease away in a slow store must not delay the events that follow.
    const claimed = { ...event, task };
    void deps.retries.run(`checking the claim ${event.fence}`, () => deps.protocol.onClaimCommitted(claimed));
  }
}
