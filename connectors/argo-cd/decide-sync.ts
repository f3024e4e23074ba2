// Decides whether this app may and must be synced to our commit now.

import { operationInProgress, replacedBy, wasReplaced } from "./decide-wait.ts";
import { type Application, deletionOf, hasSeveralSources, isAt, syncsItself } from "./model.ts";

/** Name of the `infos` entry that carries our effect key; it comes back in the operation and proves that it is ours. */
export const EFFECT_INFO = "gantry-effect";

export const TASK_INFO = "gantry-task";

export type SyncDecision =
  | { readonly kind: "refreshed" | "already" | "start" }
  /** The auto-sync of our commit has failed, and Argo CD does not try it again. */
  | { readonly kind: "repeat"; readonly prune: boolean }
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "superseded" | "refused"; readonly problem: string };

export const SEVERAL_SOURCES =
  "The app has several sources (spec.sources), and Gantry syncs and changes only apps with one source (spec.source). Give it one source, or let it sync itself and leave out this step.";

/**
 * `app` was refreshed a moment ago and has been compared without an error. `start` for an operation of this task only lets
 * the effect find out that it is there.
 */
export function decideSync(app: Application, revision: string, task: string): SyncDecision {
  const deletion = deletionOf(app);
  if (deletion !== undefined) return { kind: "refused", problem: `${deletion}.` };
  if (startedBy(app, revision, task)) return { kind: "start" };
  const { sync } = app.status;
  const there = sync?.status === "Synced" && isAt(sync, revision);
  if (!there && wasReplaced(app, revision)) {
    return { kind: "superseded", problem: replacedBy(app, revision) };
  }
  // An app with auto-sync must not be synced: it could deploy the new commit, the cached old one, and the new one again.
  if (syncsItself(app)) return failedByItself(app, revision) ?? { kind: "refreshed" };
  const running = operationInProgress(app);
  if (running !== undefined) return { kind: "waiting", reason: `${app.metadata.name}: ${running}` };
  if (there && wasApplied(app, revision)) return { kind: "already" };
  return hasSeveralSources(app) ? { kind: "refused", problem: SEVERAL_SOURCES } : { kind: "start" };
}

/** Argo CD syncs each commit by itself only once. A person who has mended what failed wants it to be tried again. */
function failedByItself(app: Application, revision: string): SyncDecision | undefined {
  const { sync, operationState: last } = app.status;
  const isOver = operationInProgress(app) === undefined && (last?.phase === "Failed" || last?.phase === "Error");
  if (!isOver || sync?.status !== "OutOfSync" || !isAt(sync, revision) || hasSeveralSources(app)) return undefined;
  const tried = last.syncResult ?? last.operation.sync;
  return isAt(tried, revision) ? { kind: "repeat", prune: last.operation.sync?.prune === true } : undefined;
}

/** Whether this effect started the operation of the app, running or ended. */
export function carriesEffect(app: Application, key: string): boolean {
  const infos = [...(app.operation?.info ?? []), ...(app.status.operationState?.operation.info ?? [])];
  return infos.some((info) => info.name === EFFECT_INFO && info.value === key);
}

/** "Synced" at a commit that was never applied can mean that only hooks differ; they run only in a sync. */
function wasApplied(app: Application, revision: string): boolean {
  const last = app.status.operationState;
  const applied =
    last?.phase === "Succeeded" && last.operation.sync?.dryRun !== true && isAt(last.syncResult, revision);
  return applied || isAt(app.status.history?.at(-1), revision);
}

function startedBy(app: Application, revision: string, task: string): boolean {
  const operation = app.operation ?? app.status.operationState?.operation;
  const ours = operation?.info?.some((info) => info.name === TASK_INFO && info.value === task) === true;
  return ours && isAt(operation?.sync, revision);
}
