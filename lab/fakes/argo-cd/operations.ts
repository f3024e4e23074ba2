// Operations of an app: a sync begins, runs for some time, and ends. The cluster changes at the end.

import { apply, refusalOf } from "./cluster.ts";
import { pairsOf } from "./compare.ts";
import { RenderProblem } from "./files.ts";
import { GitProblem } from "./git.ts";
import {
  type Application,
  type AppRecord,
  groupOf,
  keyOf,
  type Manifest,
  type OperationState,
  type ResourceResult,
  type State,
  stamp,
  versionOf,
} from "./model.ts";
import { clusterOf, type FakeArgoCd, hookOf, manifestsOf } from "./refresh.ts";

/** From the end of an operation to the next comparison of the app. */
const LOOK_AGAIN_MS = 30;

/** Starts the operation in the app's object, unless it is running. */
export function beginOperation(fake: FakeArgoCd, record: AppRecord): void {
  const { operation, status, spec } = record.object;
  if (!operation || status.operationState) return;
  const nowMs = Date.now();
  const revision = operation.sync?.revision || (record.desired?.revision ?? "");
  status.operationState = {
    operation,
    phase: "Running",
    message: "waiting for completion of the sync",
    startedAt: stamp(nowMs),
    syncResult: { revision, source: spec.source },
  };
  record.operationEndsMs = nowMs + fake.timing.syncMs;
}

/** Ends the running operation, if there is one. */
export async function finishOperation(fake: FakeArgoCd, record: AppRecord): Promise<void> {
  const app = record.object;
  const running = app.status.operationState;
  if (!running || running.finishedAt || record.operationEndsMs === undefined) return;
  if (await startHooks(fake, record, running)) return;
  delete record.hooksStarted;
  const ended = await carryOut(fake, app, running);
  const nowMs = Date.now();
  app.status.operationState = { ...running, ...ended, finishedAt: stamp(nowMs) };
  delete app.operation;
  delete record.operationEndsMs;
  if (ended.phase === "Succeeded" && running.operation.sync?.dryRun !== true) {
    const entry = {
      id: record.nextHistoryId,
      revision: ended.syncResult?.revision ?? "",
      deployedAt: stamp(nowMs),
      deployStartedAt: running.startedAt,
      source: app.spec.source,
    };
    record.nextHistoryId += 1;
    app.status.history = [...(app.status.history ?? []), entry].slice(-10);
  }
  record.lookAtMs = nowMs + LOOK_AGAIN_MS;
}

/** True when it has started hooks: the operation runs until they end. */
async function startHooks(fake: FakeArgoCd, record: AppRecord, running: OperationState): Promise<boolean> {
  if (record.hooksStarted === true || running.phase === "Terminating" || !running.syncResult) return false;
  const { revision } = running.syncResult;
  const found = await manifestsOf(fake, record.object, revision === "" ? undefined : revision).catch(() => undefined);
  const hooks = (found?.manifests ?? []).filter((one) => hookOf(one) !== undefined && hookOf(one) !== "SyncFail");
  // It may have been terminated while the manifests were made.
  if (hooks.length === 0 || record.object.status.operationState?.phase === "Terminating") return false;
  record.hooksStarted = true;
  const resources = hooks.map((one) => hookResult(one, "Running"));
  record.object.status.operationState = { ...running, syncResult: { ...running.syncResult, resources } };
  const ms = Math.max(...hooks.map((one) => Number(one.metadata.annotations?.["lab/hook-ms"] ?? 20)));
  record.operationEndsMs = Date.now() + ms;
  return true;
}

function hookResult(manifest: Manifest, phase: "Running" | "Succeeded" | "Failed"): ResourceResult {
  const message = phase === "Failed" ? "Job has reached the specified backoff limit" : "";
  const type = hookOf(manifest) ?? "Sync";
  return { ...resultOf(manifest, "Synced", message), hookPhase: phase, hookType: type, syncPhase: type };
}

async function carryOut(
  fake: FakeArgoCd,
  app: Application,
  running: OperationState,
): Promise<Pick<OperationState, "phase" | "message" | "syncResult">> {
  const source = app.spec.source;
  const wanted = running.syncResult?.revision ?? "";
  if (running.phase === "Terminating") {
    return { phase: "Failed", message: "Operation terminated", syncResult: { revision: wanted, source } };
  }
  try {
    const { manifests, revision } = await manifestsOf(fake, app, wanted === "" ? undefined : wanted);
    const hooks = manifests.filter((one) => hookOf(one) !== undefined && hookOf(one) !== "SyncFail");
    const ran = hooks.map((one) =>
      hookResult(one, one.metadata.annotations?.["lab/hook"] === "fail" ? "Failed" : "Succeeded"),
    );
    const failed = ran.find((one) => one.hookPhase === "Failed");
    const plain = manifests.filter((one) => hookOf(one) === undefined);
    // After a failed PreSync hook nothing else is applied.
    const applied = failed?.hookType === "PreSync" ? [] : applyAll(fake.state, app, plain, running);
    const resources = [...ran, ...applied];
    const broken = resources.find((one) => one.status === "SyncFailed" || one.hookPhase === "Failed");
    return {
      phase: broken ? "Failed" : "Succeeded",
      message: broken
        ? failed
          ? "one or more synchronization tasks completed unsuccessfully"
          : `one or more objects failed to apply, reason: ${broken.message}`
        : "successfully synced (all tasks run)",
      syncResult: { revision, source, resources },
    };
  } catch (error) {
    if (!(error instanceof GitProblem || error instanceof RenderProblem)) throw error;
    return { phase: "Error", message: `ComparisonError: ${error.message}`, syncResult: { revision: wanted, source } };
  }
}

function applyAll(
  state: State,
  app: Application,
  manifests: readonly Manifest[],
  running: OperationState,
): ResourceResult[] {
  const cluster = clusterOf(state, app);
  const { sync } = running.operation;
  if (!cluster || sync?.dryRun === true) return [];
  const namespace = app.spec.destination.namespace;
  const options = sync?.syncOptions ?? app.spec.syncPolicy?.syncOptions ?? [];
  const create = options.includes("CreateNamespace=true");
  if (namespace && create && !cluster.namespaces.includes(namespace)) cluster.namespaces.push(namespace);

  const isFirst = ({ kind }: Manifest): number => Number(["Namespace", "CustomResourceDefinition"].includes(kind));
  const ordered = [...manifests].sort((a, b) => isFirst(b) - isFirst(a));
  const results = ordered.map((manifest): ResourceResult => {
    const refusal = refusalOf(cluster, manifest);
    if (refusal !== undefined) return resultOf(manifest, "SyncFailed", refusal);
    const done = apply(cluster, manifest, app.metadata.name, Date.now());
    return resultOf(manifest, "Synced", `${manifest.kind.toLowerCase()}/${manifest.metadata.name} ${done}`);
  });
  for (const { target, live } of pairsOf(app.metadata.name, manifests, cluster)) {
    if (target || !live) continue;
    if (sync?.prune === true) delete cluster.live[keyOf(live.manifest)];
    results.push(
      sync?.prune === true
        ? resultOf(live.manifest, "Pruned", "pruned")
        : resultOf(live.manifest, "PruneSkipped", "ignored (requires pruning)"),
    );
  }
  return results;
}

function resultOf(manifest: Manifest, status: ResourceResult["status"], message: string): ResourceResult {
  return {
    group: groupOf(manifest),
    version: versionOf(manifest),
    kind: manifest.kind,
    namespace: manifest.metadata.namespace ?? "",
    name: manifest.metadata.name,
    status,
    message,
    hookPhase: status === "SyncFailed" ? "Failed" : "Running",
    syncPhase: "Sync",
  };
}
