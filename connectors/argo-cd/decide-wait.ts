// Decides when an app is deployed and healthy, by the rule of Argo CD's own command line: the status is ignored while
// an operation runs, and until the controller has compared again after it, and "Synced" counts only at our commit. Pure.

import { decideComparison, type Patience, type Refresh } from "./decide-comparison.ts";
import { type ImageUse, sameImage } from "./image-use.ts";
import { type Application, deletionOf, isAt, revisionsOf, short, shortAt, type TreeNode } from "./model.ts";

export type Wanted = {
  readonly app: string;
  readonly revision: string;
  readonly image: string | undefined;
  readonly degradedGraceMs: number;
  /** Address of the app in Argo CD. */
  readonly url: string;
};

export type Verdict =
  | { readonly kind: "done" }
  | {
      readonly kind: "waiting";
      readonly reason: string;
      readonly refresh: Refresh | false;
      readonly patience: Patience;
      /** The shortest pause before the next check, ms. */
      readonly pauseMs?: number;
    }
  | {
      readonly kind: "failed";
      readonly gate: string;
      readonly problem: string;
      readonly line: string;
      readonly todo: string;
    }
  | { readonly kind: "superseded" | "unavailable"; readonly problem: string };

const CALM: Patience = { errors: 0 };
/** How long a healthy app may have pods of other images before it counts that no manifest uses ours. */
const UNUSED_GRACE_MS = 60_000;

/**
 * `nodes`: the app's live resources, where they could tell why it is not healthy. `use`: whether pods should run our image,
 * where none does. `nowMs` measures patience only.
 */
export function decideWait(
  wanted: Wanted,
  app: Application,
  nodes: readonly TreeNode[],
  patience: Patience,
  nowMs: number,
  use?: ImageUse,
): Verdict {
  const { status } = app;
  const operation = status.operationState ?? undefined;
  const ours = operation !== undefined && isOurs(operation, wanted.revision);

  const deletion = deletionOf(app);
  if (deletion !== undefined) return beingDeleted(wanted.app, deletion);
  const busy = operationInProgress(app);
  if (busy !== undefined) return waiting(busy, { refresh: false });
  if (ours && (operation.phase === "Failed" || operation.phase === "Error")) return syncFailed(wanted, operation);

  const trouble = decideComparison(app, patience, nowMs);
  if (trouble) return trouble.kind === "failed" ? comparisonFailed(wanted.app, trouble) : trouble;
  if (!isAt(status.sync, wanted.revision) && wasReplaced(app, wanted.revision)) {
    return { kind: "superseded", problem: replacedBy(app, wanted.revision) };
  }
  const atOurs = status.sync?.status === "Synced" && isAt(status.sync, wanted.revision);
  // The branch has moved on, but what was applied last is our commit, and Argo CD has looked since. Its times have no
  // fractions of a second, so an equal one may be older.
  const appliedOurs =
    ours &&
    operation.phase === "Succeeded" &&
    !isAt(status.sync, wanted.revision) &&
    Date.parse(status.reconciledAt ?? "") > Date.parse(operation.finishedAt ?? "");
  if (!atOurs && !appliedOurs) return waiting(notYet(wanted, app), { refresh: "normal" });
  if (status.health?.status === "Healthy") return healthy(wanted, app, patience, nowMs, use);
  return notHealthy(wanted, app, nodes, patience, nowMs);
}

function beingDeleted(app: string, line: string): Verdict {
  const todo = "Wait until it is gone, create the app again, and run CD again.";
  return { kind: "failed", gate: `The app ${app}`, problem: `${line}.`, line, todo };
}

/** Why the status is not reliable yet; undefined when it is. */
export function operationInProgress(app: Application): string | undefined {
  const state = app.status.operationState;
  if (state && !state.finishedAt) return runningText(state);
  if (app.operation) return "the sync is about to run";
  if (!state || state.operation.sync?.dryRun) return undefined;
  const lookedAt = app.status.reconciledAt;
  const lookedAfter = lookedAt && Date.parse(lookedAt) >= Date.parse(state.finishedAt ?? "");
  return lookedAfter ? undefined : "the sync has ended, Argo CD has not looked at the cluster since";
}

/** A hook that runs keeps the operation running. */
function runningText({ message, syncResult }: OperationState): string {
  const hooks = (syncResult?.resources ?? []).filter((one) => one.hookType && one.hookPhase === "Running");
  const names = hooks.map((one) => `${one.hookType} hook ${one.kind} ${one.name}`);
  if (names.length > 0) return `the sync is running: ${names.join(", ")}`;
  return message ? `the sync is running: ${message}` : "the sync is running";
}

/** Whether another commit was deployed after this one. The step then must not go back to this one. */
export function wasReplaced(app: Application, revision: string): boolean {
  const deployed = (app.status.history ?? []).map((one) => isAt(one, revision));
  return deployed.includes(true) && deployed.at(-1) !== true;
}

export function replacedBy(app: Application, revision: string): string {
  return `${short(revision)} was deployed, and ${shortAt(app.status.history?.at(-1))} after it.`;
}

function waiting(
  reason: string,
  { refresh = false, patience = CALM }: { refresh?: Refresh | false; patience?: Patience },
): Verdict {
  return { kind: "waiting", reason, refresh, patience };
}

type OperationState = NonNullable<Application["status"]["operationState"]>;

function isOurs({ syncResult, operation }: OperationState, revision: string): boolean {
  return isAt(revisionsOf(syncResult).length > 0 ? syncResult : operation.sync, revision);
}

function syncFailed(wanted: Wanted, operation: OperationState): Verdict {
  const resources = operation.syncResult?.resources ?? [];
  const refused = resources.find((one) => one.status === "SyncFailed");
  const hook = resources.find((one) => one.hookType && (one.hookPhase === "Failed" || one.hookPhase === "Error"));
  const broken = refused ?? hook;
  const problem = operation.message || `the sync ended as ${operation.phase}`;
  const name = broken && `${broken === hook ? `${hook.hookType} hook ` : ""}${broken.kind} ${broken.name}`;
  return {
    kind: "failed",
    gate: `The sync of ${wanted.app}`,
    problem,
    line: broken ? `${name}: ${broken.message || (broken === hook ? "failed" : "could not be applied")}` : problem,
    todo:
      broken !== undefined && broken === hook
        ? `Look at the log of ${hook.kind} ${hook.name}, correct it, and run CD again.`
        : /namespaces "[^"]*" not found/.test(problem)
          ? "Create the namespace, or give the Argo CD application the sync option CreateNamespace=true, and run CD again."
          : "Correct the manifests in the yaml repository and run CD again.",
  };
}

/** For every step that meets an error of the comparison. */
export function comparisonFailed(
  app: string,
  { problem, line }: { readonly problem: string; readonly line: string },
): Extract<Verdict, { kind: "failed" }> {
  const todo = "Correct the manifests in the yaml repository, or the app's source and destination, and run CD again.";
  return { kind: "failed", gate: `The comparison of ${app}`, problem, line, todo };
}

function notYet(wanted: Wanted, app: Application): string {
  const { sync } = app.status;
  if (!sync) return "Argo CD has not looked at the app yet";
  if (!isAt(sync, wanted.revision)) {
    return `Argo CD is at ${shortAt(sync)} (${sync.status}), not yet at ${short(wanted.revision)}`;
  }
  const different = (app.status.resources ?? []).filter((one) => one.status === "OutOfSync");
  const names = different.slice(0, 3).map((one) => `${one.kind} ${one.name}`);
  const more = different.length > names.length ? ` and ${different.length - names.length} more` : "";
  return `${sync.status} at ${shortAt(sync)}${names.length > 0 ? `: ${names.join(", ")}${more}` : ""}`;
}

/**
 * Healthy at our commit. An app without pods is done: its workloads have zero replicas or run only now and then, or Argo CD
 * lists no images. Pods of other images alone mean that ours come, unless nothing keeps pods of our image running.
 */
function healthy(
  { app: name, image }: Wanted,
  app: Application,
  patience: Patience,
  nowMs: number,
  use: ImageUse | undefined,
): Verdict {
  const running = app.status.summary?.images ?? [];
  if (image === undefined || running.length === 0 || use === "no-pods") return { kind: "done" };
  if (running.some((one) => sameImage(one, image))) return { kind: "done" };
  if (use !== "unused") return waiting(`Healthy, but no pod runs ${image} yet`, {});
  const unusedSinceMs = patience.unusedSinceMs ?? nowMs;
  if (nowMs - unusedSinceMs < UNUSED_GRACE_MS) {
    return waiting(`Healthy, but no manifest uses ${image}`, { patience: { errors: 0, unusedSinceMs } });
  }
  const line = `no manifest of ${name} uses the image ${image}; its pods run ${running.join(", ")}`;
  const todo = "Correct the name of the image in the manifests of the yaml repository, and run CD again.";
  return { kind: "failed", gate: `The image of ${name}`, problem: `${line}.`, line, todo };
}

function notHealthy(
  wanted: Wanted,
  app: Application,
  nodes: readonly TreeNode[],
  patience: Patience,
  nowMs: number,
): Verdict {
  const health = app.status.health?.status ?? "Unknown";
  const lines = reasonsOf(app, nodes, health);
  const line = lines[0] ?? app.status.health?.message ?? "Argo CD gives no reason";
  if (health === "Suspended") {
    return waiting(`Suspended: a person has to resume it in Argo CD (${wanted.url}). ${lines[0] ?? ""}`.trim(), {});
  }
  const pod = wanted.image === undefined ? undefined : sickPod(nodes, wanted.image);
  if (health !== "Degraded" && pod === undefined) return waiting(`${health}: ${line}`, {});

  const reason = health === "Degraded" ? line : (lineOf(pod) ?? line);
  const sickSinceMs = patience.sickSinceMs ?? nowMs;
  if (nowMs - sickSinceMs < wanted.degradedGraceMs) {
    return waiting(`Degraded: ${reason}`, { patience: { errors: 0, sickSinceMs } });
  }
  return {
    kind: "failed",
    gate: `The health of ${wanted.app}`,
    problem: `${reason}.`,
    line: reason,
    todo: "Look at the resource that is named, correct the app or its manifests, and run CD again; or run CD with the image before.",
  };
}

/** A pod of our image that cannot run. Its Deployment goes on Progressing for minutes; old pods of other images do not count. */
function sickPod(nodes: readonly TreeNode[], image: string): TreeNode | undefined {
  return nodes.find(
    (node) =>
      node.kind === "Pod" &&
      node.health?.status === "Degraded" &&
      node.images?.some((one) => sameImage(one, image)) === true,
  );
}

type Reported = {
  readonly kind: string;
  readonly name: string;
  readonly health?: { status: string; message?: string | undefined } | null | undefined;
};

function reasonsOf(app: Application, nodes: readonly TreeNode[], health: string): string[] {
  const resources: readonly Reported[] = [...(app.status.resources ?? []), ...nodes];
  const lines = resources.filter((one) => one.health?.status === health).map(lineOf);
  return [...new Set(lines.filter((one) => one !== undefined))];
}

/** `Deployment orders: image … not found` */
function lineOf(one: Reported | undefined): string | undefined {
  return one?.health?.message ? `${one.kind} ${one.name}: ${one.health.message}` : undefined;
}
