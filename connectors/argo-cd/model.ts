// What we read of Argo CD's objects. Fields that we do not know are kept, because an update sends the object back.

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
});

const operation = z.looseObject({
  sync: z.looseObject({ revision: z.string().optional(), dryRun: z.boolean().optional() }).nullish(),
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
      revision: z.string().optional(),
      resources: z
        .array(
          z.looseObject({
            kind: z.string(),
            name: z.string(),
            status: z.string().optional(),
            message: z.string().optional(),
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
      .looseObject({ repoURL: z.string(), path: z.string().optional(), targetRevision: z.string().optional() })
      .nullish(),
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
      sync: z.looseObject({ status: syncStatus, revision: z.string().optional() }).optional(),
      health: health.optional(),
      operationState: operationState.nullish(),
      reconciledAt: z.string().nullish(),
      conditions: z.array(z.looseObject({ type: z.string(), message: z.string() })).nullish(),
      history: z.array(z.looseObject({ revision: z.string().optional() })).nullish(),
      resources: z.array(resource).nullish(),
      summary: z.looseObject({ images: z.array(z.string()).nullish() }).nullish(),
    })
    .default({}),
});
export type Application = z.output<typeof application>;

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

export const repository = z.looseObject({ repo: z.string() });

export const managedResources = z.looseObject({
  items: z
    .array(
      z.looseObject({
        kind: z.string(),
        name: z.string(),
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

/** Every error answer: `code` is the gRPC code, which says more than the HTTP status. */
export const refusal = z.looseObject({ code: z.number().default(2), message: z.string().default("") });
export type Refusal = z.output<typeof refusal>;

/** Does Argo CD sync this app by itself? Since 3.2 `automated` may be there and switched off. */
export function syncsItself(app: Application): boolean {
  const automated = app.spec.syncPolicy?.automated;
  return automated !== null && automated !== undefined && automated.enabled !== false;
}

/** `3f2a91c` */
export function short(revision: string | undefined): string {
  return revision === undefined || revision === "" ? "no commit" : revision.slice(0, 7);
}
