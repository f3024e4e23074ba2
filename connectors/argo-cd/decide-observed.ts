// What a runner reports of an application, from Argo CD's object. Pure.

import {
  HEALTHS,
  type Health,
  keyOfApplication,
  MAX_CONDITIONS,
  MAX_DRIFT,
  MAX_IMAGES,
  MAX_REASONS,
  MAX_SOURCES,
  MAX_WORDS,
  type ObservedApplication,
  observedApplication,
} from "@gantry/core/fleet/observed.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";
import { healthStatus, operationPhase, syncStatus, syncsItself } from "./model.ts";

const maybe = z
  .string()
  .nullish()
  .transform((text) => text || undefined);
const health = z.object({ status: healthStatus.default("Unknown"), message: maybe, lastTransitionTime: maybe });
const source = z.object({ repoURL: maybe, path: maybe });

/** The fields of an application that are read; the rest is dropped, so that it uses no memory. */
const watched = z.object({
  metadata: z.object({ name: z.string(), namespace: maybe }),
  spec: z.object({
    project: maybe,
    source: source.nullish(),
    sources: z.array(source).nullish(),
    destination: z.object({ name: maybe, server: maybe, namespace: maybe }).nullish(),
    syncPolicy: z.object({ automated: z.object({ enabled: z.boolean().optional() }).nullish() }).nullish(),
  }),
  status: z
    .object({
      sync: z.object({ status: syncStatus, revision: maybe, revisions: z.array(z.string()).nullish() }).nullish(),
      health: health.nullish(),
      operationState: z
        .object({ phase: operationPhase, message: maybe, startedAt: maybe, finishedAt: maybe })
        .nullish(),
      conditions: z.array(z.object({ type: z.string(), message: z.string().default("") })).nullish(),
      resources: z
        .array(
          z.object({
            kind: z.string(),
            name: z.string(),
            namespace: maybe,
            status: syncStatus.optional(),
            health: health.nullish(),
            requiresPruning: z.boolean().nullish(),
            hook: z.boolean().nullish(),
          }),
        )
        .nullish(),
      summary: z.object({ images: z.array(z.string()).nullish() }).nullish(),
    })
    .nullish(),
});
type Watched = z.output<typeof watched>;
type Resource = NonNullable<NonNullable<NonNullable<Watched["status"]>["resources"]>[number]>;

/** Argo CD leaves it out for an application in its own namespace in some lists. */
const OWN_NAMESPACE = "argocd";

/** `namespace/name` of an object that has at least a name; undefined for anything else. */
export function keyOfObject(value: unknown): string | undefined {
  const parsed = z.object({ metadata: z.object({ name: z.string(), namespace: maybe }) }).safeParse(value);
  if (!parsed.success) return undefined;
  const { name, namespace = OWN_NAMESPACE } = parsed.data.metadata;
  return keyOfApplication({ name, namespace });
}

/** Undefined for what is no application. */
export function observedOf(value: unknown): ObservedApplication | undefined {
  const parsed = watched.safeParse(value);
  if (!parsed.success) return undefined;
  const { metadata, spec, status } = parsed.data;
  const { sync, health: found, operationState, conditions, summary } = status ?? {};
  const resources = (status?.resources ?? []).filter((one) => one.hook !== true);
  const sources = [spec.source, ...(spec.sources ?? [])].flatMap((one) => one ?? []);
  const revisions = sync?.revisions?.length ? sync.revisions : sync?.revision ? [sync.revision] : [];
  const built = {
    name: metadata.name,
    namespace: metadata.namespace ?? OWN_NAMESPACE,
    project: spec.project ?? "default",
    ...given("cluster", spec.destination?.name),
    ...given("server", spec.destination?.server),
    ...given("into", spec.destination?.namespace),
    sources: sources
      .flatMap(({ repoURL, path }) =>
        repoURL === undefined ? [] : [{ repository: withoutUser(repoURL), ...given("path", path) }],
      )
      .slice(0, MAX_SOURCES),
    autoSync: syncsItself({ spec: { syncPolicy: spec.syncPolicy } }),
    sync: sync?.status ?? "Unknown",
    revisions: revisions.slice(0, MAX_SOURCES),
    health: found?.status ?? "Unknown",
    ...given("healthMessage", short(found?.message)),
    ...given("healthSince", found?.lastTransitionTime),
    ...(operationState ? { operation: operationOf(operationState) } : {}),
    conditions: (conditions ?? []).slice(0, MAX_CONDITIONS).map(({ type, message }) => ({
      type: truncate(type, 100),
      message: short(message) ?? "",
    })),
    images: (summary?.images ?? []).slice(0, MAX_IMAGES).map((image) => truncate(image, 500)),
    resources: resources.length,
    ...driftOf(resources),
    reasons: reasonsOf(resources),
  };
  return observedApplication.safeParse(built).data;
}

function operationOf(state: NonNullable<NonNullable<Watched["status"]>["operationState"]>) {
  return {
    phase: state.phase,
    ...given("message", short(state.message)),
    ...given("startedAt", state.startedAt),
    ...given("finishedAt", state.finishedAt),
  };
}

function driftOf(resources: readonly Resource[]): Pick<ObservedApplication, "drift"> {
  const differing = resources.filter(({ status }) => status === "OutOfSync");
  if (differing.length === 0) return {};
  const first = differing.slice(0, MAX_DRIFT).map((one) => ({
    ...nameOf(one),
    ...(one.requiresPruning ? { prune: true as const } : {}),
  }));
  return { drift: { count: differing.length, first } };
}

const WELL: ReadonlySet<Health> = new Set(["Healthy", "Unknown"]);

/** Argo CD's order of health is from the best to the worst; Unknown says nothing of a single resource. */
function reasonsOf(resources: readonly Resource[]): ObservedApplication["reasons"] {
  return resources
    .flatMap((one) =>
      one.health && !WELL.has(one.health.status)
        ? [{ ...nameOf(one), health: one.health.status, ...given("message", short(one.health.message)) }]
        : [],
    )
    .toSorted((a, b) => HEALTHS.indexOf(b.health) - HEALTHS.indexOf(a.health))
    .slice(0, MAX_REASONS);
}

function nameOf({ kind, name, namespace }: Resource) {
  return { kind: truncate(kind, 100), name: truncate(name, 300), ...given("namespace", namespace) };
}

/** Texts of git and Kubernetes may repeat the address of a repository with its password. */
function short(text: string | undefined): string | undefined {
  return text === undefined ? undefined : truncate(text.replace(/\/\/[^/@\s]+@/g, "//***@"), MAX_WORDS);
}

function withoutUser(address: string): string {
  return address.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1");
}

function given<K extends string, V>(name: K, value: V | undefined): { readonly [N in K]?: V } {
  // The type says that the field may be absent, which is what an empty object is.
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in K]?: V };
}
