// The state of the fake Argo CD. Objects have the shape of the real API, so that routes return them unchanged.

export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
};

export type Health = {
  status: "Healthy" | "Suspended" | "Progressing" | "Missing" | "Degraded" | "Unknown";
  message?: string;
};

export type Meta = {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  deletionTimestamp?: string;
};

export type Source = {
  repoURL: string;
  path?: string;
  targetRevision?: string;
  helm?: { valueFiles?: string[] };
};
export type Destination = { server?: string; name?: string; namespace?: string };
export type Operation = {
  sync?: { revision?: string; prune?: boolean; dryRun?: boolean; syncOptions?: string[] };
  info?: { name: string; value: string }[];
  initiatedBy?: { username?: string; automated?: boolean };
  retry?: { limit?: number };
};
export type ResourceResult = {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  status: "Synced" | "SyncFailed" | "Pruned" | "PruneSkipped";
  message: string;
  hookPhase: string;
  hookType?: string;
  syncPhase: string;
};
export type OperationState = {
  operation: Operation;
  phase: "Running" | "Terminating" | "Failed" | "Error" | "Succeeded";
  message: string;
  startedAt: string;
  finishedAt?: string;
  syncResult?: { revision: string; source?: Source; resources?: ResourceResult[] };
};
export type ResourceStatus = {
  group?: string;
  version: string;
  kind: string;
  namespace?: string;
  name: string;
  status: "Synced" | "OutOfSync";
  health?: Health;
  requiresPruning?: boolean;
};

export type Status = {
  sync?: {
    status: "Synced" | "OutOfSync" | "Unknown";
    revision?: string;
    comparedTo: { source: Source; destination: Destination };
  };
  health?: Health & { lastTransitionTime?: string };
  reconciledAt?: string;
  operationState?: OperationState;
  conditions?: { type: string; message: string; lastTransitionTime: string }[];
  history?: { id: number; revision: string; deployedAt: string; deployStartedAt: string; source: Source }[];
  resources?: ResourceStatus[];
  summary?: { images?: string[] };
  sourceType?: string;
};

export type AppSpec = {
  project: string;
  source: Source;
  destination: Destination;
  syncPolicy?: {
    automated?: { prune?: boolean; selfHeal?: boolean; enabled?: boolean };
    syncOptions?: string[];
    [field: string]: unknown;
  };
  [field: string]: unknown;
};
export type Application = { metadata: Meta; spec: AppSpec; status: Status; operation?: Operation };

/** An app, and what the controller knows in addition to the object. */
export type AppRecord = {
  object: Application;
  /** The target state at `revision`, from the last comparison. */
  desired?: { revision: string; manifests: Manifest[] };
  /** The last comparison ended with an error: there are no targets. */
  uncompared?: boolean;
  nextHistoryId: number;
  /** When the running operation ends, the next comparison is due, and a deleted app disappears; ms since 1970. */
  operationEndsMs?: number;
  /** Hooks of the running operation that have been started. */
  hooksStarted?: boolean;
  lookAtMs?: number;
  goneAtMs?: number;
};

export type Project = {
  metadata: Meta;
  spec: {
    description?: string;
    sourceRepos?: string[];
    destinations?: Destination[];
    [field: string]: unknown;
  };
};

export type Repository = {
  repo: string;
  type: string;
  username?: string;
  password?: string;
  bearerToken?: string;
  project?: string;
  [field: string]: unknown;
};

/** Credentials for every repository whose address begins with `url`. */
export type RepositoryTemplate = {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
};

/** Whether an image can be pulled, from a query to its registry. */
export type ImageState = "present" | { problem: string; askedAtMs: number };

export type Live = {
  manifest: Manifest;
  uid: string;
  /** Name of the app that applied it. */
  app: string;
  appliedAtMs: number;
  /** When the last rollout of the pods began; their health depends on it. */
  rolloutAtMs: number;
  /** Images of the pods before the last rollout; those pods stay until the new ones run. */
  previousImages: string[];
};

export type Cluster = {
  name: string;
  server: string;
  namespaces: string[];
  /** By `group/kind/namespace/name`. */
  live: Record<string, Live>;
};

export type State = {
  version: number;
  sessions: Record<string, string>;
  projects: Record<string, Project>;
  repositories: Record<string, Repository>;
  /** By address; absent in the state of an older lab. */
  templates?: Record<string, RepositoryTemplate>;
  clusters: Record<string, Cluster>;
  apps: Record<string, AppRecord>;
  images: Record<string, ImageState>;
};

export type Timing = {
  /** From the start of a sync to its end. */
  readonly syncMs: number;
  /** From the rollout of pods until they are ready or have failed. */
  readonly rolloutMs: number;
  /** How often every app is compared without a request. */
  readonly refreshEveryMs: number;
};

/** The repository as it is cloned: with its own credentials, else with those of the longest template that fits. */
export function clonedAs({ repositories, templates = {} }: State, url: string): Repository {
  const registered = repositories[url] ?? { repo: url, type: "git" };
  if (hasCredentials(registered)) return registered;
  const fitting = Object.values(templates).filter((one) => url.toLowerCase().startsWith(one.url.toLowerCase()));
  const [template] = fitting.toSorted((a, b) => b.url.length - a.url.length);
  if (!template) return registered;
  const { url: _, ...credentials } = template;
  return { ...registered, ...credentials, inheritedCreds: true };
}

function hasCredentials({ username, password, bearerToken }: Repository): boolean {
  return [username, password, bearerToken].some(Boolean);
}

export function groupOf(manifest: Manifest): string {
  return manifest.apiVersion.includes("/") ? (manifest.apiVersion.split("/")[0] ?? "") : "";
}

export function versionOf(manifest: Manifest): string {
  return manifest.apiVersion.split("/").at(-1) ?? "";
}

export function keyOf(manifest: Manifest): string {
  return `${groupOf(manifest)}/${manifest.kind}/${manifest.metadata.namespace ?? ""}/${manifest.metadata.name}`;
}

/** Times have no fractions of a second, as in Kubernetes. */
export function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function syncsItself(app: Application): boolean {
  const automated = app.spec.syncPolicy?.automated;
  return automated !== undefined && automated !== null && automated.enabled !== false;
}
