// What an Argo CD shows of one application, as a runner reports it. It is observed, not decided: the cluster is the truth.

import { z } from "zod";

export const HEALTHS = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"] as const;
export type Health = (typeof HEALTHS)[number];
export const SYNCS = ["Synced", "OutOfSync", "Unknown"] as const;
export type Sync = (typeof SYNCS)[number];

/** Limits of one application. Longer lists are cut by the runner; `resources` and `drift.count` count them all. */
export const MAX_SOURCES = 10;
export const MAX_IMAGES = 50;
export const MAX_CONDITIONS = 10;
export const MAX_DRIFT = 10;
export const MAX_REASONS = 5;
export const MAX_WORDS = 1_000;

const words = z.string().max(MAX_WORDS);
/** A name of Kubernetes. */
const kubernetesName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "must be a name of Kubernetes")
  .max(253);
/** A time as Argo CD writes it. */
const stamp = z.string().max(40);
const resource = { kind: z.string().max(100), name: z.string().max(300), namespace: z.string().max(253).optional() };

export const observedApplication = z.object({
  name: kubernetesName,
  /** Where the application itself is, in the cluster of Argo CD. */
  namespace: kubernetesName,
  project: z.string().max(253),
  /** Where it deploys to: the name or the address of a cluster, and a namespace there. */
  cluster: z.string().max(253).optional(),
  server: z.string().max(1_000).optional(),
  into: z.string().max(253).optional(),
  /** Without credentials. */
  sources: z
    .array(z.object({ repository: z.string().max(2_048), path: z.string().max(1_000).optional() }))
    .max(MAX_SOURCES),
  autoSync: z.boolean(),
  sync: z.enum(SYNCS),
  /** The commits that it was compared with; one, unless it has several sources. */
  revisions: z.array(z.string().max(250)).max(MAX_SOURCES),
  health: z.enum(HEALTHS),
  healthMessage: words.optional(),
  healthSince: stamp.optional(),
  operation: z
    .object({
      phase: z.string().max(40),
      message: words.optional(),
      startedAt: stamp.optional(),
      finishedAt: stamp.optional(),
    })
    .optional(),
  conditions: z.array(z.object({ type: z.string().max(100), message: words })).max(MAX_CONDITIONS),
  /** What runs, mostly with digests. */
  images: z.array(z.string().max(500)).max(MAX_IMAGES),
  /** How many resources it manages. */
  resources: z.int().min(0),
  /** Resources that differ from git. Absent: none. */
  drift: z
    .object({
      count: z.int().min(1),
      /** `prune`: git no longer has it. */
      first: z.array(z.object({ ...resource, prune: z.literal(true).optional() })).max(MAX_DRIFT),
    })
    .optional(),
  /** Resources that are not well, the worst first. */
  reasons: z.array(z.object({ ...resource, health: z.enum(HEALTHS), message: words.optional() })).max(MAX_REASONS),
});
export type ObservedApplication = z.output<typeof observedApplication>;

/** `namespace/name`: one Argo CD has at most one application of this key. */
export const observedKey = z
  .string()
  .max(507)
  .regex(/^[a-z0-9][-a-z0-9.]*\/[a-z0-9][-a-z0-9.]*$/, "must be a namespace and a name");

export function keyOfApplication({ namespace, name }: Pick<ObservedApplication, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}
