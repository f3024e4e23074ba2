// Decides whether pods should run this image, from the manifests of an app and their live state in the cluster. Pure.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { type ManagedResource, stateOf } from "./model.ts";

/**
 * `pods`: a workload that keeps pods running uses it. `no-pods`: it is used, and only by what has no pods now: zero replicas,
 * a CronJob, a Knative service at rest, a scaled job. `unused`: no manifest names it.
 */
export type ImageUse = "pods" | "no-pods" | "unused";

/** Kinds whose controllers keep pods running all the time. */
const ALWAYS: ReadonlySet<string> = new Set([
  "DaemonSet",
  "Deployment",
  "DeploymentConfig",
  "Pod",
  "ReplicaSet",
  "ReplicationController",
  "Rollout",
  "StatefulSet",
]);

export function imageUse(resources: readonly ManagedResource[], image: string): ImageUse {
  const users = resources.filter((one) => one.hook !== true && mentions(stateOf(one.targetState), image));
  if (users.length === 0) return "unused";
  return users.some((one) => ALWAYS.has(one.kind) && replicasOf(one) > 0) ? "pods" : "no-pods";
}

/**
 * Chooses, among several images that do not run, the one to wait for: one that pods should run, otherwise one that needs
 * no pods, or none of which `others` run (a target may use only some of the images of its app). `unused` when no manifest
 * names any.
 */
export function pendingImage(
  absent: readonly [string, ...string[]],
  resources: readonly ManagedResource[],
  others: readonly string[],
): { readonly image: string; readonly use?: ImageUse } {
  const uses = absent.map((image) => ({ image, use: imageUse(resources, image) }));
  const [runs] = others;
  const awaited = uses.find(({ use }) => use === "pods") ?? uses.find(({ use }) => use === "no-pods");
  return awaited ?? (runs === undefined ? { image: absent[0], use: "unused" } : { image: runs });
}

/** The same image, however its name is spelt. A digest alone decides, because a mirror serves it under another name. */
export function sameImage(a: string, b: string): boolean {
  if (a === b) return true;
  const [left, right] = [a.split("@")[1], b.split("@")[1]];
  return left !== undefined && left === right;
}

/** The live number decides, because an autoscaler may set it; a manifest without one means one pod. */
function replicasOf(resource: ManagedResource): number {
  for (const text of [resource.liveState, resource.normalizedLiveState, resource.targetState]) {
    const state = stateOf(text);
    const spec = isJsonObject(state) ? state.spec : undefined;
    if (isJsonObject(spec) && typeof spec.replicas === "number") return spec.replicas;
  }
  return 1;
}

function mentions(value: JsonValue | undefined, image: string): boolean {
  if (typeof value === "string") return sameImage(value, image);
  if (Array.isArray(value)) return value.some((one: JsonValue) => mentions(one, image));
  return isJsonObject(value) && Object.values(value).some((one) => mentions(one, image));
}
