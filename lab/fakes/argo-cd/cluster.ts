// Simulated clusters: the applied objects and their health over time. Pods take some time to become ready; a pod whose
// image is in no registry never does. The current time is an argument.

import { createHash, randomUUID } from "node:crypto";
import { unknownKind } from "./kinds.ts";
import {
  type Cluster,
  groupOf,
  type Health,
  type ImageState,
  keyOf,
  type Live,
  type Manifest,
  versionOf,
} from "./model.ts";
import { isObject } from "./patch.ts";
import { imagesOf } from "./transform.ts";

const POD_KINDS = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "Pod"]);
/** Kinds that have a health and are healthy as soon as they exist. */
const SIMPLE_KINDS = new Set([
  "Service",
  "Ingress",
  "PersistentVolumeClaim",
  "HorizontalPodAutoscaler",
  "Job",
  "CronJob",
]);

/** Why the API server would refuse this object; undefined when it would accept it. */
export function refusalOf(cluster: Cluster, manifest: Manifest): string | undefined {
  const { kind, metadata, spec } = manifest;
  const namespace = metadata.namespace;
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(metadata.name)) {
    return `${kind} "${metadata.name}" is invalid: metadata.name: Invalid value: a lowercase RFC 1123 subdomain is needed`;
  }
  const unknown = unknownKind(cluster, manifest);
  if (unknown !== undefined) return unknown;
  if (namespace !== undefined && !cluster.namespaces.includes(namespace)) return `namespaces "${namespace}" not found`;
  if (!isObject(spec) || !["Deployment", "StatefulSet", "DaemonSet"].includes(kind)) return undefined;
  const selector =
    isObject(spec.selector) && isObject(spec.selector.matchLabels) ? spec.selector.matchLabels : undefined;
  const before = cluster.live[keyOf(manifest)]?.manifest.spec;
  if (isObject(before) && !same(before.selector, spec.selector)) {
    const shown = JSON.stringify(spec.selector);
    return `${kind}.apps "${metadata.name}" is invalid: spec.selector: Invalid value: ${shown}: field is immutable`;
  }
  const template =
    isObject(spec.template) && isObject(spec.template.metadata) ? spec.template.metadata.labels : undefined;
  const fits =
    selector && Object.entries(selector).every(([key, value]) => isObject(template) && template[key] === value);
  return fits
    ? undefined
    : `${kind}.apps "${metadata.name}" is invalid: spec.selector: \`selector\` does not match template \`labels\``;
}

/** Applies a manifest. Pods roll out when their template changed. */
export function apply(
  cluster: Cluster,
  manifest: Manifest,
  app: string,
  nowMs: number,
): "created" | "configured" | "unchanged" {
  const key = keyOf(manifest);
  const before = cluster.live[key];
  if (manifest.kind === "Namespace" && !cluster.namespaces.includes(manifest.metadata.name)) {
    cluster.namespaces.push(manifest.metadata.name);
  }
  const rolls = !before || templateOf(before.manifest) !== templateOf(manifest);
  cluster.live[key] = {
    manifest,
    app,
    uid: before?.uid ?? randomUUID(),
    appliedAtMs: nowMs,
    rolloutAtMs: rolls || !before ? nowMs : before.rolloutAtMs,
    previousImages: before ? (rolls ? imagesOf(before.manifest) : before.previousImages) : [],
  };
  if (!before) return "created";
  return same(before.manifest, manifest) ? "unchanged" : "configured";
}

export type Observation = {
  readonly nowMs: number;
  readonly rolloutMs: number;
  readonly images: Readonly<Record<string, ImageState>>;
};

/** Health of one object by Argo CD's rules; undefined for kinds without health. */
export function healthOf(live: Live, observation: Observation): Health | undefined {
  const { kind, spec } = live.manifest;
  const fields = isObject(spec) ? spec : {};
  if (fields.paused === true) return { status: "Suspended", message: `${kind} is paused` };
  if (kind === "CronJob" && fields.suspend === true) return { status: "Suspended", message: "CronJob is suspended" };
  if (!POD_KINDS.has(kind)) return SIMPLE_KINDS.has(kind) ? { status: "Healthy" } : undefined;
  const wanted = replicasOf(live.manifest);
  if (wanted === 0) return { status: "Healthy" };
  const problem = pullProblem(live, observation);
  if (!rolledOut(live, observation) || problem === undefined) {
    return {
      status: "Progressing",
      message: `Waiting for rollout to finish: 0 of ${wanted} updated replicas are available...`,
    };
  }
  return problem === "" ? { status: "Healthy" } : { status: "Degraded", message: problem };
}

/** When the health of this object next changes without a new apply; undefined when it does not. */
export function nextChangeMs(live: Live, observation: Observation): number | undefined {
  const at = live.rolloutAtMs + observation.rolloutMs;
  return POD_KINDS.has(live.manifest.kind) && at > observation.nowMs ? at : undefined;
}

export type Node = {
  version: string;
  kind: string;
  namespace?: string;
  name: string;
  uid: string;
  group?: string;
  parentRefs?: { kind: string; namespace?: string; name: string; uid: string; group?: string }[];
  images?: string[];
  health?: Health;
  createdAt?: string;
};

/** The object and what its controllers created: a ReplicaSet and pods, and the old pods until the new ones are ready. */
export function nodesOf(live: Live, observation: Observation): Node[] {
  const { manifest, uid } = live;
  const health = healthOf(live, observation);
  const self: Node = { ...refOf(manifest), uid, ...(health ? { health } : {}) };
  if (!POD_KINDS.has(manifest.kind) || manifest.kind === "Pod") {
    return [manifest.kind === "Pod" ? { ...self, images: imagesOf(manifest) } : self];
  }
  const ready = health?.status === "Healthy";
  const sick = health?.status === "Degraded" ? health.message : undefined;
  const fresh = podsOf(live, imagesOf(manifest), templateOf(manifest), podHealth(ready, sick));
  const old =
    ready || live.previousImages.length === 0 ? [] : podsOf(live, live.previousImages, "before", { status: "Healthy" });
  return [self, ...fresh, ...old];
}

function podsOf(live: Live, images: string[], template: string, health: Health): Node[] {
  const { manifest, uid } = live;
  const count = Math.min(replicasOf(manifest), 10);
  if (count === 0) return [];
  const { version: _, ...owner } = { ...refOf(manifest), uid };
  const hash = createHash("sha256").update(template).digest("hex");
  const place = manifest.metadata.namespace === undefined ? {} : { namespace: manifest.metadata.namespace };
  const setName = `${manifest.metadata.name}-${hash.slice(0, 10)}`;
  const withSet = manifest.kind === "Deployment" || manifest.kind === "Rollout";
  const set = { kind: "ReplicaSet", group: "apps", ...place, name: setName, uid: `${uid}-${hash.slice(0, 6)}` };
  const pods = Array.from({ length: count }, (_, index): Node => {
    const name = `${withSet ? setName : manifest.metadata.name}-${withSet ? hash.slice(10 + index, 15 + index) : index}`;
    return {
      version: "v1",
      kind: "Pod",
      ...place,
      name,
      uid: `${set.uid}-${index}`,
      parentRefs: [withSet ? set : owner],
      images,
      health,
    };
  });
  return withSet ? [{ version: "v1", ...set, parentRefs: [owner], health }, ...pods] : pods;
}

function podHealth(ready: boolean, sick: string | undefined): Health {
  if (ready) return { status: "Healthy" };
  return sick === undefined ? { status: "Progressing" } : { status: "Degraded", message: sick };
}

/** `undefined` while the registry has not answered, "" when all images exist. */
function pullProblem(live: Live, observation: Observation): string | undefined {
  const states = imagesOf(live.manifest).map((image) => observation.images[image]);
  const problem = states.find((state) => typeof state === "object");
  if (typeof problem === "object") return problem.problem;
  return states.every((state) => state === "present") ? "" : undefined;
}

function rolledOut(live: Live, observation: Observation): boolean {
  return observation.nowMs >= live.rolloutAtMs + observation.rolloutMs;
}

function replicasOf(manifest: Manifest): number {
  const replicas = isObject(manifest.spec) ? manifest.spec.replicas : undefined;
  return typeof replicas === "number" ? replicas : 1;
}

function templateOf(manifest: Manifest): string {
  const spec = isObject(manifest.spec) ? manifest.spec : {};
  return JSON.stringify(manifest.kind === "Pod" ? spec : (spec.template ?? null));
}

function refOf(manifest: Manifest) {
  const group = groupOf(manifest);
  return {
    version: versionOf(manifest),
    kind: manifest.kind,
    ...(group === "" ? {} : { group }),
    ...(manifest.metadata.namespace === undefined ? {} : { namespace: manifest.metadata.namespace }),
    name: manifest.metadata.name,
  };
}

export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (
    typeof a !== "object" ||
    typeof b !== "object" ||
    a === null ||
    b === null ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return false;
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return (
    left.length === Object.keys(right).length && left.every(([key, value]) => key in right && same(value, right[key]))
  );
}
