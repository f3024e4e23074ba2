// One look at an app: ask git, render, compare, and write down what was found.

import { type Sight, same } from "./cluster.ts";
import { compare, pairsOf } from "./compare.ts";
import { GitProblem, type GitReader } from "./git.ts";
import {
  type Application,
  type AppRecord,
  type Cluster,
  type Manifest,
  type State,
  stamp,
  syncsItself,
  type Timing,
} from "./model.ts";
import type { PullCredential } from "./registry.ts";
import { RenderProblem, render } from "./render.ts";
import { specProblem } from "./rules.ts";
import { isClusterWide } from "./transform.ts";

export type World = {
  readonly state: State;
  readonly save: () => void;
  readonly git: GitReader;
  readonly timing: Timing;
  readonly credentials: readonly PullCredential[];
  /** Called after every change of an app's status. */
  readonly changed: (name: string) => void;
};

export type Found = { readonly revision: string; readonly manifests: Manifest[]; readonly type: string };

/** What git has for this app at a revision (default: the one it follows). Throws GitProblem or RenderProblem. */
export async function manifestsOf({ state, git }: World, app: Application, revision?: string): Promise<Found> {
  const { repoURL, path = ".", targetRevision = "HEAD" } = app.spec.source;
  const repository = state.repositories[repoURL] ?? { repo: repoURL, type: "git" };
  const commit = await git.resolve(repository, revision ?? targetRevision);
  const { manifests, type } = render(await git.files(repository, commit), path);
  return { revision: commit, manifests: manifests.map((one) => placed(one, app.spec.destination.namespace)), type };
}

/** Asks git and compares; afterwards an app that syncs itself may have an operation. */
export async function look(world: World, record: AppRecord): Promise<void> {
  const app = record.object;
  record.lookAtMs = Date.now() + world.timing.refreshEveryMs;
  const problem = specProblem(world.state, app);
  try {
    if (problem !== undefined) throw new RenderProblem(problem);
    const found = await manifestsOf(world, app);
    record.desired = { revision: found.revision, manifests: found.manifests };
    app.status.sourceType = found.type;
    delete app.status.conditions;
  } catch (error) {
    if (!(error instanceof GitProblem || error instanceof RenderProblem)) throw error;
    const type = problem === undefined ? "ComparisonError" : "InvalidSpecError";
    const message =
      problem ??
      `Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = ${error.message}`;
    app.status.conditions = [{ type, message, lastTransitionTime: stamp(Date.now()) }];
    record.desired ??= { revision: "", manifests: [] };
  }
  observe(world, record);
  app.status.reconciledAt = stamp(Date.now());
  if (wantsAutoSync(record)) startAutoSync(record);
}

/** Compares what was found last with the cluster as it is now. Says whether the status changed. */
export function observe(world: World, record: AppRecord): boolean {
  const { object: app, desired } = record;
  if (!desired) return false;
  const before = structuredClone(app.status);
  const found = compare(pairsOf(app.metadata.name, desired.manifests, clusterOf(world.state, app)), sightOf(world));
  const unknown = app.status.conditions?.some(
    (one) => one.type === "ComparisonError" || one.type === "InvalidSpecError",
  );
  app.status.sync = {
    status: unknown ? "Unknown" : found.sync,
    revision: desired.revision,
    comparedTo: { source: app.spec.source, destination: app.spec.destination },
  };
  const since = app.status.health?.status === found.health.status ? app.status.health.lastTransitionTime : undefined;
  app.status.health = { ...found.health, lastTransitionTime: since ?? stamp(Date.now()) };
  app.status.resources = found.resources;
  app.status.summary = found.images.length > 0 ? { images: found.images } : {};
  return !same(before, app.status);
}

export function sightOf({ state, timing }: World): Sight {
  return { nowMs: Date.now(), rolloutMs: timing.rolloutMs, images: state.images };
}

export function clusterOf(state: State, app: Application): Cluster | undefined {
  const { server, name } = app.spec.destination;
  return Object.values(state.clusters).find((one) => (name ? one.name === name : one.server === server));
}

/** A commit is tried once; a cluster that was changed by hand is put right again if the app heals itself. */
function wantsAutoSync({ object: app, desired }: AppRecord): boolean {
  const { status, operation } = app;
  if (!syncsItself(app) || operation || status.sync?.status !== "OutOfSync") return false;
  const last = status.operationState;
  if (last && !last.finishedAt) return false;
  const tried = last?.syncResult?.revision === desired?.revision;
  return !tried || (app.spec.syncPolicy?.automated?.selfHeal === true && last?.phase === "Succeeded");
}

function startAutoSync({ object: app, desired }: AppRecord): void {
  const { automated, syncOptions } = app.spec.syncPolicy ?? {};
  app.operation = {
    sync: {
      revision: desired?.revision ?? "",
      prune: automated?.prune ?? false,
      ...(syncOptions ? { syncOptions } : {}),
    },
    initiatedBy: { automated: true },
    retry: { limit: 5 },
  };
  delete app.status.operationState;
}

function placed(manifest: Manifest, namespace: string | undefined): Manifest {
  if (manifest.metadata.namespace !== undefined || namespace === undefined || isClusterWide(manifest)) return manifest;
  return { ...manifest, metadata: { ...manifest.metadata, namespace } };
}
