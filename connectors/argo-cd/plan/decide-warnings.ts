// What may surprise in a plan: what the cluster will refuse, what is lost, and what nobody can know before. Pure.

import { counted } from "@gantry/core/count.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { Application } from "../model.ts";
import { asObject, identityOf, type Planned, type PlannedObject, textOf } from "./decide-plan.ts";
import type { PlannedImage } from "./planned-images.ts";

/** `fails`: the sync will fail. `careful`: it does what people may not want. `unknown`: it cannot be known before. */
export type Severity = "fails" | "careful" | "unknown";
const SEVERITIES: readonly Severity[] = ["fails", "careful", "unknown"];
export type Warning = { readonly code: string; readonly severity: Severity; readonly text: string };

export type WarningFacts = {
  readonly app: Application;
  readonly planned: Planned;
  readonly images: readonly PlannedImage[];
  readonly namespace: string;
  /** Namespaces in which the application has objects now. */
  readonly liveNamespaces: ReadonlySet<string>;
  /** Kinds of which it has objects now, as `group/kind`. */
  readonly liveKinds: ReadonlySet<string>;
  /** API versions that the cluster serves; undefined: unknown. */
  readonly served: readonly string[] | undefined;
  /** Argo CD syncs the application by itself, and does not remove what git no longer has. */
  readonly keepsRemoved: boolean;
};

export function decideWarnings(facts: WarningFacts): readonly Warning[] {
  const { planned } = facts;
  const all = [
    ...noResources(planned),
    ...planned.objects.flatMap(immutable),
    ...planned.objects.flatMap((one) => removal(one, facts)),
    ...missingKinds(facts),
    ...missingNamespaces(facts),
    ...unusedImages(facts),
    ...planned.hiddenSecrets.map((name) =>
      unknown("secret-not-compared", `Secret ${name}: Argo CD does not show whether its values change`),
    ),
  ];
  return all.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

function noResources({ targets, objects }: Planned): readonly Warning[] {
  if (targets.length > 0) return [];
  const gone = objects.length === 0 ? "nothing would run" : `${counted(objects.length, "object")} would be removed`;
  return [careful("no-resources", `Argo CD finds no resources at the path of this target: ${gone}`)];
}

/** Fields that Kubernetes refuses to change. For a StatefulSet, a Job and a claim those are exceptions of a whole part. */
const IMMUTABLE: Readonly<Record<string, RegExp>> = {
  "apps/Deployment": /^spec\.selector\b/,
  "apps/ReplicaSet": /^spec\.selector\b/,
  "apps/DaemonSet": /^spec\.selector\b/,
  "apps/StatefulSet":
    /^spec\.(?!(replicas|ordinals|template|updateStrategy|revisionHistoryLimit|persistentVolumeClaimRetentionPolicy|minReadySeconds)\b)/,
  "batch/Job": /^spec\.(selector|template|completionMode)\b/,
  "/PersistentVolumeClaim": /^spec\.(?!(resources|volumeAttributesClassName)\b)/,
  "/Service": /^spec\.clusterIPs?\b/,
  "storage.k8s.io/StorageClass": /^(provisioner|parameters|reclaimPolicy|volumeBindingMode)\b/,
  "rbac.authorization.k8s.io/RoleBinding": /^roleRef\b/,
  "rbac.authorization.k8s.io/ClusterRoleBinding": /^roleRef\b/,
};

function immutable({ group, kind, name, action, fields, before, after }: PlannedObject): readonly Warning[] {
  if (action !== "change") return [];
  const sealed = before?.immutable === true && (kind === "Secret" || kind === "ConfigMap");
  const pattern = sealed ? /^(data|binaryData|stringData|immutable)\b/ : IMMUTABLE[`${group}/${kind}`];
  const found = pattern ? fields.find(({ path }) => pattern.test(path)) : undefined;
  if (!found) return [];
  const field = sealed ? "its data" : (/^[^[]*/.exec(found.path)?.[0] ?? found.path);
  if (optionsOf(after).some((one) => one === "Replace=true" || one === "Force=true")) {
    const text = `${kind} ${name}: ${field} cannot be changed in place, so Argo CD deletes the object and makes it again`;
    return [careful("replaced", text)];
  }
  return [
    fails(
      "immutable-field",
      `${kind} ${name}: Kubernetes does not let anybody change ${field}, so the sync fails. Delete the ${kind} first, or give the new one another name`,
    ),
  ];
}

/** Data goes with them. */
const WITH_DATA: ReadonlySet<string> = new Set([
  "PersistentVolumeClaim",
  "Namespace",
  "StatefulSet",
  "CustomResourceDefinition",
]);

function removal({ kind, name, action, before }: PlannedObject, { keepsRemoved }: WarningFacts): readonly Warning[] {
  if (action !== "remove") return [];
  if (keepsRemoved || optionsOf(before).includes("Prune=false")) {
    const who = keepsRemoved ? "the auto-sync of the application removes nothing" : "it has the option Prune=false";
    return [careful("not-removed", `${kind} ${name} is not in git any more and stays in the cluster: ${who}`)];
  }
  const lost = WITH_DATA.has(kind) ? ", and with it what it holds" : "";
  return [careful("prune", `${kind} ${name} is deleted from the cluster${lost}`)];
}

/** Groups that every Kubernetes has. */
const BUILT_IN: ReadonlySet<string> = new Set([
  "",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apiregistration.k8s.io",
  "apps",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
]);

/** Whether somebody must have installed this kind. */
export function isCustom({ group }: Pick<PlannedObject, "group">): boolean {
  return !BUILT_IN.has(group);
}

function missingKinds({ planned, liveKinds, served }: WarningFacts): readonly Warning[] {
  const defined = new Set(planned.targets.flatMap(definedKind));
  const added = planned.objects.filter((one) => one.action === "add" && isCustom(one));
  return added.flatMap(({ group, version, kind, name, after }): readonly Warning[] => {
    const id = `${group}/${kind}`;
    if (defined.has(id) || liveKinds.has(id)) return [];
    if (served === undefined) {
      const text = `${kind} ${name}: whether the cluster knows ${kind} of ${group} is not known; without it the sync fails`;
      return [unknown("crd-not-known", text)];
    }
    // Older versions of Argo CD list no kinds.
    const hasKinds = served.some((one) => /^(v\d\w*|[^/]+\/v\d\w*)\/[A-Z]/.test(one));
    if (served.includes(hasKinds ? `${group}/${version}/${kind}` : `${group}/${version}`)) return [];
    const skips = optionsOf(after).includes("SkipDryRunOnMissingResource=true");
    const text = `${kind} ${name}: the cluster has no CustomResourceDefinition for ${group}/${version} ${kind}`;
    return [
      skips ? careful("crd-missing", text) : fails("crd-missing", `${text}, so the sync fails. Install it first`),
    ];
  });
}

function definedKind(manifest: JsonObject): readonly string[] {
  if (manifest.kind !== "CustomResourceDefinition") return [];
  const spec = asObject(manifest.spec) ?? {};
  return [`${textOf(spec.group)}/${textOf(asObject(spec.names)?.kind)}`];
}

function missingNamespaces({ app, planned, namespace, liveNamespaces }: WarningFacts): readonly Warning[] {
  const options = app.spec.syncPolicy?.syncOptions ?? [];
  const made = new Set([
    ...(options.includes("CreateNamespace=true") ? [namespace] : []),
    ...planned.targets.flatMap((one) => (one.kind === "Namespace" ? [identityOf(one).name] : [])),
  ]);
  const used = planned.objects.flatMap((one) =>
    one.action === "remove" || one.namespace === "" ? [] : [one.namespace],
  );
  const doubtful = [...new Set(used)].filter((one) => !made.has(one) && !liveNamespaces.has(one));
  const said = JSON.stringify(app.status.operationState?.syncResult?.resources ?? []);
  return doubtful.map((one) =>
    said.includes(`namespaces \\"${one}\\" not found`)
      ? fails(
          "namespace-missing",
          `The cluster had no namespace ${one} at the last sync. Create it, or the sync fails again`,
        )
      : unknown(
          "namespace-not-known",
          `The application does not create the namespace ${one} and has nothing there yet: if the cluster lacks it, the sync fails`,
        ),
  );
}

function unusedImages({ images, planned }: WarningFacts): readonly Warning[] {
  return images
    .filter(({ name }) => !planned.usedImages.has(name))
    .map(({ name }) =>
      unknown(
        "image-not-found",
        `The commit sets the image ${name}, but no manifest shows where it is used: what it changes is not known`,
      ),
    );
}

function optionsOf(object: JsonObject | undefined): readonly string[] {
  const annotations = asObject(object?.metadata)?.annotations;
  const text = isJsonObject(annotations) ? textOf(annotations["argocd.argoproj.io/sync-options"]) : "";
  return text.split(",").map((one) => one.trim());
}

export function fails(code: string, text: string): Warning {
  return { code, severity: "fails", text };
}
function careful(code: string, text: string): Warning {
  return { code, severity: "careful", text };
}
function unknown(code: string, text: string): Warning {
  return { code, severity: "unknown", text };
}
