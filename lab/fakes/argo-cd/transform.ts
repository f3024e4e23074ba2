// The transformers and generators of kustomize that overlays use.

import { createHash } from "node:crypto";
import type { Manifest } from "./model.ts";
import { isObject } from "./patch.ts";
import { parseImage } from "./registry.ts";

type Fields = Record<string, unknown>;

const CLUSTER_WIDE = new Set(
  "Namespace ClusterRole ClusterRoleBinding CustomResourceDefinition PersistentVolume StorageClass IngressClass PriorityClass".split(
    " ",
  ),
);

export function isClusterWide(manifest: Manifest): boolean {
  return CLUSTER_WIDE.has(manifest.kind);
}

export function setNamespace(manifests: Manifest[], namespace: string): Manifest[] {
  return manifests.map((one) => {
    if (one.kind === "Namespace") return { ...one, metadata: { ...one.metadata, name: namespace } };
    return isClusterWide(one) ? one : { ...one, metadata: { ...one.metadata, namespace } };
  });
}

/** `images:`: newName, newTag and digest for every container whose image has the name. */
export function setImages(manifests: Manifest[], entries: readonly unknown[]): Manifest[] {
  const wanted = entries.filter(isObject);
  if (wanted.length === 0) return manifests;
  const change = (image: string): string => {
    const at = image.split("@")[0] ?? "";
    const tag = /:([^/:]+)$/.exec(at)?.[1];
    const name = tag === undefined ? at : at.slice(0, -tag.length - 1);
    const entry = wanted.find((one) => one.name === name);
    if (!entry) return image;
    const newName = typeof entry.newName === "string" ? entry.newName : name;
    if (typeof entry.digest === "string") return `${newName}@${entry.digest}`;
    if (entry.newTag !== undefined) return `${newName}:${String(entry.newTag)}`;
    return newName + image.slice(name.length);
  };
  return manifests.map((one) =>
    mapContainers(one, (container) => ({ ...container, image: change(String(container.image)) })),
  );
}

export function setReplicas(manifests: Manifest[], entries: readonly unknown[]): Manifest[] {
  return manifests.map((one) => {
    const entry = entries.filter(isObject).find((each) => each.name === one.metadata.name);
    if (!entry || !isObject(one.spec) || !("template" in one.spec)) return one;
    return { ...one, spec: { ...one.spec, replicas: entry.count } };
  });
}

/** `commonLabels`, `labels` and `commonAnnotations`. */
export function setLabels(manifests: Manifest[], kustomization: Fields): Manifest[] {
  const groups = (Array.isArray(kustomization.labels) ? kustomization.labels : []).filter(isObject);
  const common = isObject(kustomization.commonLabels)
    ? [{ pairs: kustomization.commonLabels, includeSelectors: true }]
    : [];
  const annotations = isObject(kustomization.commonAnnotations) ? kustomization.commonAnnotations : undefined;
  let changed = manifests;
  for (const group of [...common, ...groups] as Fields[]) {
    const pairs = isObject(group.pairs) ? group.pairs : {};
    const selectors = group.includeSelectors === true;
    const templates = selectors || group.includeTemplates === true;
    changed = changed.map((one) => labelled(one, pairs, selectors, templates));
  }
  if (!annotations) return changed;
  return changed.map((one) => put(one, ["metadata", "annotations"], annotations));
}

function labelled(manifest: Manifest, pairs: Fields, selectors: boolean, templates: boolean): Manifest {
  let one = put(manifest, ["metadata", "labels"], pairs);
  const spec = isObject(one.spec) ? one.spec : {};
  if (templates && isObject(spec.template)) one = put(one, ["spec", "template", "metadata", "labels"], pairs);
  if (!selectors) return one;
  if (one.kind === "Service") return put(one, ["spec", "selector"], pairs);
  return isObject(spec.template) && isObject(spec.selector)
    ? put(one, ["spec", "selector", "matchLabels"], pairs)
    : one;
}

/** `namePrefix`, `nameSuffix`, and the hashes of generated names; references follow. */
export function rename(
  manifests: Manifest[],
  kustomization: Fields,
  generated: ReadonlyMap<string, string>,
): Manifest[] {
  const prefix = typeof kustomization.namePrefix === "string" ? kustomization.namePrefix : "";
  const suffix = typeof kustomization.nameSuffix === "string" ? kustomization.nameSuffix : "";
  if (prefix === "" && suffix === "" && generated.size === 0) return manifests;
  const names = new Map<string, string>();
  const renamed = manifests.map((one) => {
    const key = `${one.kind}/${one.metadata.name}`;
    const fixed = one.kind === "Namespace" || one.kind === "CustomResourceDefinition";
    const name = fixed ? one.metadata.name : `${prefix}${generated.get(key) ?? one.metadata.name}${suffix}`;
    names.set(key, name);
    return { ...one, metadata: { ...one.metadata, name } };
  });
  return renamed.map((one) => ({ ...(follow(one, "", names) as Manifest), metadata: one.metadata }));
}

/** Generated ConfigMaps and Secrets with their plain names, and a map from these to the names with hashes. */
export function generate(
  kustomization: Fields,
  read: (path: string) => string,
): { readonly manifests: Manifest[]; readonly names: Map<string, string> } {
  const manifests: Manifest[] = [];
  const names = new Map<string, string>();
  const general = isObject(kustomization.generatorOptions) ? kustomization.generatorOptions : {};
  for (const [field, kind] of [
    ["configMapGenerator", "ConfigMap"],
    ["secretGenerator", "Secret"],
  ] as const) {
    const entries = Array.isArray(kustomization[field]) ? kustomization[field] : [];
    for (const entry of entries.filter(isObject)) {
      const data = dataOf(entry, read);
      const name = String(entry.name);
      const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")]);
      manifests.push({
        apiVersion: "v1",
        kind,
        metadata: { name },
        data: kind === "Secret" ? Object.fromEntries(encoded) : data,
      });
      const options = { ...general, ...(isObject(entry.options) ? entry.options : {}) };
      const hash = createHash("sha256")
        .update(JSON.stringify([kind, data]))
        .digest("hex")
        .slice(0, 10);
      if (options.disableNameSuffixHash !== true) names.set(`${kind}/${name}`, `${name}-${hash}`);
    }
  }
  return { manifests, names };
}

/** Every container of a manifest that has a pod template or is a pod. */
export function containersOf(manifest: Manifest): Fields[] {
  const found: Fields[] = [];
  mapContainers(manifest, (container) => {
    found.push(container);
    return container;
  });
  return found;
}

export function imagesOf(manifest: Manifest): string[] {
  return [...new Set(containersOf(manifest).map((one) => String(one.image)))].filter(
    (image) => parseImage(image).name !== "",
  );
}

function mapContainers(manifest: Manifest, change: (container: Fields) => Fields): Manifest {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        if (!/^(containers|initContainers)$/.test(key) || !Array.isArray(inner)) return [key, walk(inner)];
        return [key, inner.map((one) => (isObject(one) && typeof one.image === "string" ? change(one) : one))];
      }),
    );
  };
  return isObject(manifest.spec) ? { ...manifest, spec: walk(manifest.spec) } : manifest;
}

const REFERENCES: Record<string, string> = {
  configMapRef: "ConfigMap",
  configMapKeyRef: "ConfigMap",
  configMap: "ConfigMap",
  secretRef: "Secret",
  secretKeyRef: "Secret",
  service: "Service",
};

function follow(value: unknown, key: string, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => follow(one, key, names));
  if (typeof value === "string") {
    const kind = { secretName: "Secret", serviceAccountName: "ServiceAccount", serviceName: "Service" }[key];
    return kind === undefined ? value : (names.get(`${kind}/${value}`) ?? value);
  }
  if (!isObject(value)) return value;
  const kind = key === "scaleTargetRef" ? String(value.kind) : REFERENCES[key];
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const mapped = kind !== undefined && name === "name" ? names.get(`${kind}/${String(inner)}`) : undefined;
      return [name, mapped ?? follow(inner, name, names)];
    }),
  );
}

function dataOf(entry: Fields, read: (path: string) => string): Record<string, string> {
  const list = (key: string): string[] => (Array.isArray(entry[key]) ? entry[key].map(String) : []);
  const pair = (text: string): [string, string] => [
    text.slice(0, text.indexOf("=")),
    text.slice(text.indexOf("=") + 1),
  ];
  const files = list("files").map((text): [string, string] => {
    const [key, path] = text.includes("=") ? pair(text) : [text.split("/").at(-1) ?? text, text];
    return [key, read(path)];
  });
  const envs = [...list("envs"), ...(typeof entry.env === "string" ? [entry.env] : [])].flatMap((path) =>
    read(path)
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.startsWith("#"))
      .map(pair),
  );
  return Object.fromEntries([...list("literals").map(pair), ...files, ...envs]);
}

function put<T extends Fields>(object: T, [key = "", ...rest]: readonly string[], pairs: Fields): T {
  const inner = isObject(object[key]) ? object[key] : {};
  return { ...object, [key]: rest.length === 0 ? { ...inner, ...pairs } : put(inner, rest, pairs) };
}
