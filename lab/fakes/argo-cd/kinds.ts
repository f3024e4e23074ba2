// The kinds that a simulated cluster knows: those of every Kubernetes, and those of its CustomResourceDefinitions.

import { type Cluster, groupOf, type Manifest, versionOf } from "./model.ts";
import { isObject } from "./patch.ts";

const BUILT_IN: Readonly<Record<string, string>> = {
  v1: "ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
  "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/v1": "CustomResourceDefinition",
  "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
  "autoscaling/v2": "HorizontalPodAutoscaler",
  "batch/v1": "CronJob Job",
  "networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy",
  "policy/v1": "PodDisruptionBudget",
  "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
  "scheduling.k8s.io/v1": "PriorityClass",
  "storage.k8s.io/v1": "StorageClass",
};

/** As Argo CD lists them: `apps/v1` and `apps/v1/Deployment`. */
export function servedBy(cluster: Cluster): string[] {
  const custom = Object.values(cluster.live).flatMap(({ manifest }) => definedBy(manifest));
  const builtIn = Object.entries(BUILT_IN).flatMap(([version, kinds]) => [
    version,
    ...kinds.split(" ").map((kind) => `${version}/${kind}`),
  ]);
  return [...builtIn, ...custom];
}

/** The sync's words when the cluster does not know the kind; undefined when it does. */
export function unknownKind(cluster: Cluster, manifest: Manifest): string | undefined {
  const { kind, metadata } = manifest;
  const group = groupOf(manifest);
  const version = versionOf(manifest);
  if (servedBy(cluster).includes(`${group === "" ? "" : `${group}/`}${version}/${kind}`)) return undefined;
  return `The Kubernetes API could not find ${group}/${kind} for requested resource ${metadata.namespace ?? ""}/${metadata.name}. Make sure the "${kind}" CRD is installed on the destination cluster.`;
}

function definedBy({ kind, spec }: Manifest): string[] {
  if (kind !== "CustomResourceDefinition" || !isObject(spec) || !isObject(spec.names)) return [];
  const { group, names, versions } = spec;
  const all: unknown[] = Array.isArray(versions) ? versions : [];
  return all.flatMap((one) =>
    isObject(one)
      ? [`${String(group)}/${String(one.name)}`, `${String(group)}/${String(one.name)}/${String(names.kind)}`]
      : [],
  );
}
