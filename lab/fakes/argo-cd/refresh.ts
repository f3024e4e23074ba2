// Refreshes one app: fetch from git, render, compare, and store the result.

import { type Observation, same } from "./cluster.ts";
import { compare, pairsOf } from "./compare.ts";
import { RenderProblem } from "./files.ts";
import { GitProblem, type GitReader } from "./git.ts";
import {
  type Application,
  type AppRecord,
  type Cluster,
  clonedAs,
  type Manifest,
  type State,
  stamp,
  syncsItself,
  type Timing,
} from "./model.ts";
import type { PullCredential } from "./registry.ts";
import { render } from "./render.ts";
import { specProblem } from "./rules.ts";
import { isClusterWide } from "./transform.ts";

export type FakeArgoCd = {
  readonly state: State;
  readonly save: () => void;
  readonly git: GitReader;
  readonly timing: Timing;
  readonly credentials: readonly PullCredential[];
  /** Called after every change of an app's status. */
  readonly changed: (name: string) => void;
  /** Faults behind Argo CD; tests change them. */
  readonly trouble: Trouble;
  /** Failures of the repo-server, by source and commit: after three it returns the cached error. */
  readonly failures: Map<string, { count: number; message: string }>;
};

export type Trouble = {
  /** `away`: every request for an application is denied. `unreadable`: the live state cannot be read. */
  kubernetes: "up" | "away" | "unreadable";
  /** How many of the next manifest generations fail with this message. */
  manifests: { left: number; message: string };
};

/** After this many failures the repo-server caches the error of a commit, by default for an hour. */
const MAX_FAILURES = 3;

export type Found = { readonly revision: string; readonly manifests: Manifest[]; readonly type: string };

/** The manifests of this app at a revision (default: its target revision). Throws GitProblem or RenderProblem. */
export async function manifestsOf(fake: FakeArgoCd, app: Application, revision?: string): Promise<Found> {
  const { state, git } = fake;
  const { repoURL, path = ".", targetRevision = "HEAD" } = app.spec.source;
  const repository = clonedAs(state, repoURL);
  const commit = await git.resolve(repository, revision ?? targetRevision);
  const { manifests, type } = await generate(fake, failureKey(app, commit), async () =>
    render(await git.files(repository, commit), path, {
      name: app.metadata.name,
      namespace: app.spec.destination.namespace ?? "default",
      valueFiles: app.spec.source.helm?.valueFiles ?? [],
    }),
  );
  return { revision: commit, manifests: manifests.map((one) => placed(one, app.spec.destination.namespace)), type };
}

function failureKey({ spec }: Application, commit: string): string {
  return `${spec.source.repoURL} ${spec.source.path ?? "."} ${commit}`;
}

/** Generates manifests, or throws the cached error of this commit. Only a hard refresh clears it. */
async function generate<T>({ trouble, failures }: FakeArgoCd, key: string, work: () => Promise<T>): Promise<T> {
  const known = failures.get(key);
  if (known && known.count >= MAX_FAILURES) {
    throw new RenderProblem(`Manifest generation error (cached): ${known.message}`);
  }
  try {
    if (trouble.manifests.left > 0) {
      trouble.manifests.left -= 1;
      throw new RenderProblem(trouble.manifests.message);
    }
    const made = await work();
    failures.delete(key);
    return made;
  } catch (error) {
    if (error instanceof RenderProblem) failures.set(key, { count: (known?.count ?? 0) + 1, message: error.message });
    throw error;
  }
}

/** Removes the cached errors of an app's source, as `refresh=hard` does. */
export function forgetFailures({ failures }: FakeArgoCd, { spec }: Application): void {
  for (const key of failures.keys()) {
    if (key.startsWith(`${spec.source.repoURL} ${spec.source.path ?? "."} `)) failures.delete(key);
  }
}

/** Fetches from git and compares. Afterwards an app with automated sync may have an operation. */
export async function look(fake: FakeArgoCd, record: AppRecord): Promise<void> {
  const app = record.object;
  record.lookAtMs = Date.now() + fake.timing.refreshEveryMs;
  const problem = specProblem(fake.state, app);
  try {
    if (problem !== undefined) throw new RenderProblem(problem);
    const found = await manifestsOf(fake, app);
    record.desired = { revision: found.revision, manifests: found.manifests };
    delete record.uncompared;
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
    record.uncompared = true;
  }
  observe(fake, record);
  app.status.reconciledAt = stamp(Date.now());
  if (wantsAutoSync(record)) startAutoSync(record);
}

/** Compares the last targets with the current cluster. True when the status has changed. */
export function observe(fake: FakeArgoCd, record: AppRecord): boolean {
  const { object: app, desired } = record;
  if (!desired) return false;
  const before = structuredClone(app.status);
  const found = compare(pairsOf(app.metadata.name, targetsOf(record), clusterOf(fake.state, app)), observationOf(fake));
  const unknown = app.status.conditions?.some(
    (one) => one.type === "ComparisonError" || one.type === "InvalidSpecError",
  );
  app.status.sync = {
    status: unknown ? "Unknown" : found.sync,
    // After an error this is the text of the target revision, not a commit.
    revision: unknown ? (app.spec.source.targetRevision ?? "HEAD") : desired.revision,
    comparedTo: { source: app.spec.source, destination: app.spec.destination },
  };
  const since = app.status.health?.status === found.health.status ? app.status.health.lastTransitionTime : undefined;
  app.status.health = { ...found.health, lastTransitionTime: since ?? stamp(Date.now()) };
  app.status.resources = found.resources;
  app.status.summary = found.images.length > 0 ? { images: found.images } : {};
  return !same(before, app.status);
}

/** The targets without hooks; none when the last comparison ended with an error. */
export function targetsOf({ desired, uncompared }: AppRecord): Manifest[] {
  return uncompared === true ? [] : (desired?.manifests ?? []).filter((one) => hookOf(one) === undefined);
}

/** `PreSync`, `Sync`, `PostSync` or `SyncFail`; undefined for an object that is no hook. */
export function hookOf({ metadata }: Manifest): string | undefined {
  return metadata.annotations?.["argocd.argoproj.io/hook"];
}

export function observationOf({ state, timing }: FakeArgoCd): Observation {
  return { nowMs: Date.now(), rolloutMs: timing.rolloutMs, images: state.images };
}

export function clusterOf(state: State, app: Application): Cluster | undefined {
  const { server, name } = app.spec.destination;
  return Object.values(state.clusters).find((one) => (name ? one.name === name : one.server === server));
}

/** Each commit is synced automatically once. With self-heal, manual changes in the cluster are reverted. */
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
