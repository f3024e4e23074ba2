// When is an app deployed and healthy? The rule is the one of Argo CD's own command line: nothing is believed while an
// operation runs, nor before the controller has looked again after it, and "Synced" counts only at our commit.

import { type Application, short, type TreeNode } from "./model.ts";

export type Wanted = {
  readonly app: string;
  readonly revision: string;
  readonly image: string | undefined;
  readonly degradedGraceMs: number;
  /** Address of the app in Argo CD. */
  readonly url: string;
};

/** What has to be remembered from look to look. */
export type Patience = {
  /** Since when it looks sick without a break, ms since 1970. */
  readonly sickSinceMs?: number | undefined;
  /** How many fresh looks in a row found an error of the comparison. */
  readonly errors: number;
};

export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "waiting"; readonly reason: string; readonly refresh: boolean; readonly patience: Patience }
  | {
      readonly kind: "failed";
      readonly gate: string;
      readonly problem: string;
      readonly line: string;
      readonly todo: string;
    }
  | { readonly kind: "superseded"; readonly problem: string };

const CALM: Patience = { errors: 0 };
/** A comparison error hides behind the state Unknown, and may be git's hiccup: it must outlive a fresh look. */
const ERRORS_IN_A_ROW = 2;

/** `nodes` are the app's live resources, where they could tell why it is not healthy. `nowMs` measures the grace only. */
export function decideWait(
  wanted: Wanted,
  app: Application,
  nodes: readonly TreeNode[],
  patience: Patience,
  nowMs: number,
): Verdict {
  const { status } = app;
  const operation = status.operationState ?? undefined;
  const ours = operation !== undefined && revisionOf(operation) === wanted.revision;

  const busy = operationInProgress(app);
  if (busy !== undefined) return waiting(busy, { refresh: false });
  if (ours && (operation.phase === "Failed" || operation.phase === "Error")) return syncFailed(wanted, operation);

  const complaint = status.conditions?.find(({ type }) => type === "ComparisonError" || type === "InvalidSpecError");
  if (complaint) return complained(wanted, complaint, patience);
  if (status.sync?.revision !== wanted.revision && wasReplaced(app, wanted.revision)) {
    return { kind: "superseded", problem: replacedBy(app, wanted.revision) };
  }
  const atOurs = status.sync?.status === "Synced" && status.sync.revision === wanted.revision;
  // The branch has moved on, but what was applied last is our commit, and Argo CD has looked since. Its times have no
  // fractions of a second, so an equal one may be older.
  const appliedOurs =
    ours &&
    operation.phase === "Succeeded" &&
    status.sync?.revision !== wanted.revision &&
    Date.parse(status.reconciledAt ?? "") > Date.parse(operation.finishedAt ?? "");
  if (!atOurs && !appliedOurs) return waiting(notYet(wanted, app), { refresh: true });
  return healthOf(wanted, app, nodes, patience, nowMs);
}

/** Why nothing of the status can be believed yet; undefined when it can. */
export function operationInProgress(app: Application): string | undefined {
  const state = app.status.operationState;
  if (app.operation) return "the sync is about to run";
  if (!state) return undefined;
  if (!state.finishedAt) return state.message ? `the sync is running: ${state.message}` : "the sync is running";
  if (state.operation.sync?.dryRun) return undefined;
  const lookedAt = app.status.reconciledAt;
  const lookedAfter = lookedAt && Date.parse(lookedAt) >= Date.parse(state.finishedAt);
  return lookedAfter ? undefined : "the sync has ended, Argo CD has not looked at the cluster since";
}

/** Was this commit deployed, and another one after it? Then going back to it is not ours to do. */
export function wasReplaced(app: Application, revision: string): boolean {
  const revisions = (app.status.history ?? []).map((one) => one.revision);
  return revisions.includes(revision) && revisions.at(-1) !== revision;
}

export function replacedBy(app: Application, revision: string): string {
  return `${short(revision)} was deployed, and ${short(app.status.history?.at(-1)?.revision)} after it.`;
}

/** The same image, however its name is spelt: a digest decides over a tag. */
export function sameImage(a: string, b: string): boolean {
  if (a === b) return true;
  const [left, right] = [a, b].map((image) => {
    const [name = "", digest] = image.split("@");
    return { name: name.replace(/:[^/:]+$/, ""), digest };
  });
  return left?.digest !== undefined && left.digest === right?.digest && left.name === right.name;
}

function waiting(
  reason: string,
  { refresh = false, patience = CALM }: { refresh?: boolean; patience?: Patience },
): Verdict {
  return { kind: "waiting", reason, refresh, patience };
}

type OperationState = NonNullable<Application["status"]["operationState"]>;

function revisionOf(operation: OperationState): string | undefined {
  return operation.syncResult?.revision || operation.operation.sync?.revision;
}

function syncFailed(wanted: Wanted, operation: OperationState): Verdict {
  const broken = operation.syncResult?.resources?.find((one) => one.status === "SyncFailed");
  const problem = operation.message || `the sync ended as ${operation.phase}`;
  return {
    kind: "failed",
    gate: `The sync of ${wanted.app}`,
    problem,
    line: broken ? `${broken.kind} ${broken.name}: ${broken.message ?? "could not be applied"}` : problem,
    todo: "Correct the manifests in the yaml repository and run CD again.",
  };
}

function complained(wanted: Wanted, complaint: { type: string; message: string }, patience: Patience): Verdict {
  const errors = patience.errors + 1;
  if (errors < ERRORS_IN_A_ROW) {
    return waiting(`${complaint.type}: ${complaint.message}`, { refresh: true, patience: { errors } });
  }
  return {
    kind: "failed",
    gate: `The comparison of ${wanted.app}`,
    problem: complaint.message,
    line: `${complaint.type}: ${complaint.message}`,
    todo: "Correct the manifests in the yaml repository, or the app's source and destination, and run CD again.",
  };
}

function notYet(wanted: Wanted, app: Application): string {
  const { sync } = app.status;
  if (!sync) return "Argo CD has not looked at the app yet";
  if (sync.revision !== wanted.revision) {
    return `Argo CD is at ${short(sync.revision)} (${sync.status}), not yet at ${short(wanted.revision)}`;
  }
  const different = (app.status.resources ?? []).filter((one) => one.status === "OutOfSync");
  const names = different.slice(0, 3).map((one) => `${one.kind} ${one.name}`);
  const more = different.length > names.length ? ` and ${different.length - names.length} more` : "";
  return `${sync.status} at ${short(sync.revision)}${names.length > 0 ? `: ${names.join(", ")}${more}` : ""}`;
}

function healthOf(
  wanted: Wanted,
  app: Application,
  nodes: readonly TreeNode[],
  patience: Patience,
  nowMs: number,
): Verdict {
  const health = app.status.health?.status ?? "Unknown";
  if (health === "Healthy") {
    const { image } = wanted;
    const running = app.status.summary?.images ?? [];
    if (image === undefined || running.some((one) => sameImage(one, image))) return { kind: "done" };
    return waiting(`Healthy, but no pod runs ${image} yet`, { refresh: false });
  }
  const lines = reasonsOf(app, nodes, health);
  const line = lines[0] ?? app.status.health?.message ?? "Argo CD gives no reason";
  if (health === "Suspended") {
    return waiting(`Suspended: a person has to resume it in Argo CD (${wanted.url}). ${lines[0] ?? ""}`.trim(), {});
  }
  const pod = wanted.image === undefined ? undefined : sickPod(nodes, wanted.image);
  if (health !== "Degraded" && pod === undefined) return waiting(`${health}: ${line}`, {});

  const told = health === "Degraded" ? line : (lineOf(pod) ?? line);
  const sickSinceMs = patience.sickSinceMs ?? nowMs;
  if (nowMs - sickSinceMs < wanted.degradedGraceMs) {
    return waiting(`Degraded: ${told}`, { patience: { errors: 0, sickSinceMs } });
  }
  return {
    kind: "failed",
    gate: `The health of ${wanted.app}`,
    problem: `${told}.`,
    line: told,
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

type Told = {
  readonly kind: string;
  readonly name: string;
  readonly health?: { status: string; message?: string | undefined } | null | undefined;
};

function reasonsOf(app: Application, nodes: readonly TreeNode[], health: string): string[] {
  const told: readonly Told[] = [...(app.status.resources ?? []), ...nodes];
  const lines = told.filter((one) => one.health?.status === health).map(lineOf);
  return [...new Set(lines.filter((one) => one !== undefined))];
}

/** `Deployment orders: image … not found` */
function lineOf(one: Told | undefined): string | undefined {
  return one?.health?.message ? `${one.kind} ${one.name}: ${one.health.message}` : undefined;
}
