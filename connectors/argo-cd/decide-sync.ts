// May and must this app be synced to our commit now?

import { operationInProgress, replacedBy, wasReplaced } from "./decide-wait.ts";
import { type Application, syncsItself } from "./model.ts";

/** Name of the `infos` entry that carries our effect key; it comes back in the operation and proves that it is ours. */
export const EFFECT_INFO = "gantry-effect";

export const TASK_INFO = "gantry-task";

export type SyncDecision =
  | { readonly kind: "refreshed" | "already" | "start" }
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "superseded"; readonly problem: string };

/** `app` was refreshed a moment ago. `start` for an operation of this task only lets the effect find out that it is there. */
export function decideSync(app: Application, revision: string, task: string): SyncDecision {
  if (startedBy(app, revision, task)) return { kind: "start" };
  const { sync } = app.status;
  const there = sync?.status === "Synced" && sync.revision === revision;
  if (!there && wasReplaced(app, revision)) {
    return { kind: "superseded", problem: replacedBy(app, revision) };
  }
  // An app that syncs itself must not be told to: it could deploy the new commit, the cached old one, and the new again.
  if (syncsItself(app)) return { kind: "refreshed" };
  const running = operationInProgress(app);
  if (running !== undefined) return { kind: "waiting", reason: `${app.metadata.name}: ${running}` };
  return there ? { kind: "already" } : { kind: "start" };
}

/** Is the operation of the app, running or ended, the one that this effect started? */
export function carriesEffect(app: Application, key: string): boolean {
  const infos = [...(app.operation?.info ?? []), ...(app.status.operationState?.operation.info ?? [])];
  return infos.some((info) => info.name === EFFECT_INFO && info.value === key);
}

function startedBy(app: Application, revision: string, task: string): boolean {
  const operation = app.operation ?? app.status.operationState?.operation;
  const ours = operation?.info?.some((info) => info.name === TASK_INFO && info.value === task) === true;
  return ours && operation?.sync?.revision === revision;
}
