// What we read of Argo CD's objects. Fields that we do not know are kept, because an update sends the object back.

import type { JsonValue } from "@gantry/core/json.ts";
import { z } from "zod";

const texts = z.record(z.string(), z.string());

export const healthStatus = z
  .enum(["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"])
  .catch("Unknown");
export const syncStatus = z.enum(["Synced", "OutOfSync", "Unknown"]).catch("Unknown");
export const operationPhase = z
  .enum(["Running", "Terminating", "Failed", "Error", "Succeeded", "Unknown"])
  .catch("Unknown");

const health = z.looseObject({ status: healthStatus, message: z.string().optional() });

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  labels: texts.nullish(),
  annotations: texts.nullish(),
  finalizers: z.array(z.string()).nullish(),
  resourceVersion: z.string().optional(),
  /** Set while the object waits for its finalizers to end: it is being deleted. */
  deletionTimestamp: z.string().nullish(),
});

/** An app with several sources has a list in place of the one commit. */
const revisionFields = { revision: z.string().optional(), revisions: z.array(z.string()).nullish() };

const operation = z.looseObject({
  sync: z.looseObject({ ...revisionFields, dryRun: z.boolean().optional(), prune: z.boolean().optional() }).nullish(),
  info: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).nullish(),
  initiatedBy: z.looseObject({ username: z.string().optional(), automated: z.boolean().optional() }).nullish(),
});

const operationState = z.looseObject({
  operation,
  phase: operationPhase,
  message: z.string().optional(),
  finishedAt: z.string().nullish(),
  syncResult: z
    .looseObject({
      ...revisionFields,
      resources: z
        .array(
          z.looseObject({
            kind: z.string(),
            name: z.string(),
            status: z.string().optional(),
            message: z.string().optional(),
            /** PreSync, Sync, PostSync or SyncFail; empty for what is no hook. */
            hookType: z.string().optional(),
            /** A failed hook has the status Synced; only this phase shows the failure. */
            hookPhase: z.string().optional(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

const resource = z.looseObject({
  kind: z.string(),
  name: z.string(),
  status: syncStatus.optional(),
  health: health.nullish(),
});

export const application = z.looseObject({
  metadata,
  spec: z.looseObject({
    project: z.string(),
    source: z
      .looseObject({
        repoURL: z.string(),
        path: z.string().optional(),
        targetRevision: z.string().optional(),
        helm: z.looseObject({ valueFiles: z.array(z.string()).nullish() }).nullish(),
      })
      .nullish(),
    sources: z.array(z.looseObject({ repoURL: z.string().optional() })).nullish(),
    destination: z.looseObject({
      server: z.string().optional(),
      name: z.string().optional(),
      namespace: z.string().optional(),
    }),
    syncPolicy: z
      .looseObject({
        automated: z.looseObject({ enabled: z.boolean().optional() }).nullish(),
        syncOptions: z.array(z.string()).nullish(),
      })
      .nullish(),
  }),
  operation: operation.nullish(),
  /** Nearly empty until the controller has looked at the app for the first time. */
  status: z
    .looseObject({
      sync: z.looseObject({ status: syncStatus, ...revisionFields }).optional(),
      health: health.optional(),
      operationState: operationState.nullish(),
      reconciledAt: z.string().nullish(),
      conditions: z.array(z.looseObject({ type: z.string(), message: z.string() })).nullish(),
      history: z.array(z.looseObject(revisionFields)).nullish(),
      resources: z.array(resource).nullish(),
      summary: z.looseObject({ images: z.array(z.string()).nullish() }).nullish(),
    })
    .default({}),
});
export type Application = z.output<typeof application>;

/** An application in a list, of which only these fields are asked for. */
const listedSource = z.object({
  repoURL: z.string().optional(),
  path: z
    .string()
    .nullish()
    .transform((path) => path ?? undefined),
  targetRevision: z.string().optional(),
  chart: z.string().optional(),
  helm: z.object({ valueFiles: z.array(z.string()).nullish() }).nullish(),
});
export const applications = z.object({
  items: z
    .array(
      z.object({
        metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
        spec: z.object({
          project: z.string(),
          source: listedSource.nullish(),
          sources: z.array(listedSource).nullish(),
          destination: z.object({
            server: z.string().optional(),
            name: z.string().optional(),
            namespace: z.string().optional(),
          }),
          syncPolicy: z.object({ automated: z.object({ enabled: z.boolean().optional() }).nullish() }).nullish(),
        }),
      }),
    )
    .nullish(),
});
/** Of which only names are asked for. */
export const listedObjects = z.object({ items: z.array(z.unknown()).nullish() });
export type ListedApplication = NonNullable<z.output<typeof applications>["items"]>[number];

export const project = z.looseObject({
  metadata,
  spec: z.looseObject({
    description: z.string().optional(),
    sourceRepos: z.array(z.string()).nullish(),
    destinations: z
      .array(
        z.looseObject({
          server: z.string().optional(),
          name: z.string().optional(),
          namespace: z.string().optional(),
        }),
      )
      .nullish(),
  }),
});
export type Project = z.output<typeof project>;

export const clusters = z.looseObject({
  items: z.array(z.looseObject({ name: z.string(), server: z.string().optional() })).nullish(),
});

/** Argo CD never shows passwords, tokens and keys. */
export const repository = z.looseObject({
  repo: z.string(),
  username: z.string().optional(),
  /** Only applications of this project may use it; all may if it is absent or empty. */
  project: z.string().optional(),
  connectionState: z.looseObject({ status: z.string().optional() }).nullish(),
});
export type Repository = z.output<typeof repository>;

export const repositories = z.looseObject({ items: z.array(repository).nullish() });
/** Credentials for all repositories whose address begins with `url`. */
export const repositoryTemplates = z.looseObject({ items: z.array(z.looseObject({ url: z.string() })).nullish() });

export const managedResources = z.looseObject({
  items: z
    .array(
      z.looseObject({
        kind: z.string(),
        name: z.string(),
        group: z.string().optional(),
        namespace: z.string().optional(),
        hook: z.boolean().optional(),
        /** JSON as text; empty or `null` when the object is not there. */
        normalizedLiveState: z.string().optional(),
        predictedLiveState: z.string().optional(),
        targetState: z.string().optional(),
        liveState: z.string().optional(),
      }),
    )
    .nullish(),
});
export type ManagedResource = NonNullable<z.output<typeof managedResources>["items"]>[number];

/** What the repo-server makes of a commit. Each manifest is JSON as text; the values of Secrets are stars or plus signs. */
export const manifests = z.looseObject({ manifests: z.array(z.string()).nullish() });

export const tree = z.looseObject({
  nodes: z
    .array(
      z.looseObject({
        kind: z.string(),
        name: z.string(),
        images: z.array(z.string()).nullish(),
        health: health.nullish(),
      }),
    )
    .nullish(),
});
export type TreeNode = NonNullable<z.output<typeof tree>["nodes"]>[number];

export const cluster = z.looseObject({
  name: z.string().optional(),
  server: z.string(),
  /** `apiVersions`: such as `apps/v1` and, in some versions of Argo CD, `apps/v1/Deployment`. */
  info: z.looseObject({ apiVersions: z.array(z.string()).nullish() }).nullish(),
});

export type Cluster = z.output<typeof cluster>;

/** Every error answer: `code` is the gRPC code, which says more than the HTTP status. */
export const refusal = z.looseObject({ code: z.number(), message: z.string().default("") });
export type Refusal = z.output<typeof refusal>;

/** Whether Argo CD syncs this app by itself. Since 3.2 `automated` may be there and switched off. */
export function syncsItself(app: { readonly spec: Pick<ListedApplication["spec"], "syncPolicy"> }): boolean {
  const automated = app.spec.syncPolicy?.automated;
  return automated !== null && automated !== undefined && automated.enabled !== false;
}

/** No step may continue with such an app: everything that it still shows is about to be removed. */
export function deletionOf(app: Application): string | undefined {
  return app.metadata.deletionTimestamp ? "it is being deleted in Argo CD" : undefined;
}

type Revisions = { readonly revision?: string | undefined; readonly revisions?: readonly string[] | null | undefined };

/** The commits (and chart versions) that this is about; one, unless the app has several sources. */
export function revisionsOf(about: Revisions | null | undefined): readonly string[] {
  if (about?.revisions && about.revisions.length > 0) return about.revisions;
  return about?.revision ? [about.revision] : [];
}

export function isAt(about: Revisions | null | undefined, revision: string): boolean {
  return revisionsOf(about).includes(revision);
}

/** `3f2a91c`, or `1.2.3 and 3f2a91c` */
export function shortAt(about: Revisions | null | undefined): string {
  return revisionsOf(about).map(short).join(" and ") || short(undefined);
}

export function hasSeveralSources(app: Application): boolean {
  return (app.spec.sources?.length ?? 0) > 0;
}

/** A state that Argo CD gives as JSON in a text; undefined when the object is not there. */
export function stateOf(text: string | undefined): JsonValue | undefined {
  if (text === undefined || text === "" || text === "null") return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

/** `3f2a91c` */
export function short(revision: string | undefined): string {
  if (revision === undefined || revision === "") return "no commit";
  return /^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 7) : revision;
}

export const userInfo = z.object({ loggedIn: z.boolean().default(false), username: z.string().optional() });
export const canI = z.object({ value: z.string() });
