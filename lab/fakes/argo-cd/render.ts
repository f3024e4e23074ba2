// Renders a folder of a repository: the features of kustomize that overlays use, a simple chart, or plain YAML. Pure: files in, manifests
// out. An unknown feature is an error and is never ignored.

import { parseAllDocuments } from "yaml";
import { type Files, RenderProblem, resolvePath } from "./files.ts";
import { isChart, type Release, renderChart } from "./helm.ts";
import type { Manifest } from "./model.ts";
import { applyJsonPatch, isObject, type JsonPatch, mergeStrategic } from "./patch.ts";
import { generate, rename, setImages, setLabels, setNamespace, setReplicas } from "./transform.ts";

/** Why the folder cannot be rendered, in the repo-server's words. */
export type Rendered = { readonly manifests: Manifest[]; readonly type: "Kustomize" | "Helm" | "Directory" };

const NAMES = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const MAX_DEPTH = 20;
const KNOWN = new Set(
  "apiVersion kind metadata resources bases components namespace images commonLabels labels commonAnnotations namePrefix nameSuffix patches patchesStrategicMerge patchesJson6902 replicas configMapGenerator secretGenerator generatorOptions sortOptions buildMetadata".split(
    " ",
  ),
);

/** All manifests of `path`, a folder of `files`. Throws RenderProblem. */
export function render(files: Files, path: string, release?: Release): Rendered {
  const folder = resolvePath("", path);
  const inside = [...files.keys()].filter((file) => folder === "" || file.startsWith(`${folder}/`));
  if (inside.length === 0) throw new RenderProblem(`${path}: app path does not exist`);
  if (kustomizationFile(files, folder) !== undefined) {
    return { manifests: build(files, folder, [], 0), type: "Kustomize" };
  }
  if (release && isChart(files, folder)) {
    const texts = renderChart(files, folder, release);
    return { manifests: [...texts.keys()].flatMap((file) => readManifests(texts, file)), type: "Helm" };
  }
  const plain = inside.filter((file) => folderOf(file) === folder && /\.(ya?ml|json)$/.test(file));
  return { manifests: plain.flatMap((file) => readManifests(files, file)), type: "Directory" };
}

/** One kustomization: its resources after `incoming` (which a component changes), transformed. */
function build(files: Files, folder: string, incoming: Manifest[], depth: number): Manifest[] {
  const file = kustomizationFile(files, folder);
  if (file === undefined) throw new RenderProblem(`unable to find one of ${NAMES.join(", ")} in '${folder}'`);
  if (depth > MAX_DEPTH) throw new RenderProblem(`'${folder}' refers to itself`);
  const kustomization = readKustomization(files, file);
  const list = (key: string): unknown[] => listOf(kustomization[key], `${file}: ${key}`);

  let manifests = [...incoming];
  for (const entry of [...list("resources"), ...list("bases")]) {
    const target = resolvePath(folder, String(entry));
    if (files.has(target)) manifests.push(...readManifests(files, target));
    else if (kustomizationFile(files, target) !== undefined) manifests.push(...build(files, target, [], depth + 1));
    else throw new RenderProblem(`${file}: accumulating resources from '${entry}': no such file or directory`);
  }
  const generated = generate(kustomization, (path) => textOf(files, resolvePath(folder, path), file));
  manifests.push(...generated.manifests);
  for (const entry of list("components"))
    manifests = build(files, resolvePath(folder, String(entry)), manifests, depth + 1);
  manifests = patchAll(files, folder, file, kustomization, manifests);

  if (typeof kustomization.namespace === "string") manifests = setNamespace(manifests, kustomization.namespace);
  manifests = rename(manifests, kustomization, generated.names);
  manifests = setLabels(manifests, kustomization);
  manifests = setImages(manifests, list("images"));
  return setReplicas(manifests, list("replicas"));
}

function patchAll(
  files: Files,
  folder: string,
  file: string,
  kustomization: Record<string, unknown>,
  before: Manifest[],
): Manifest[] {
  let manifests = before;
  const entries = [
    ...listOf(kustomization.patchesStrategicMerge, `${file}: patchesStrategicMerge`).map((entry) =>
      String(entry).includes("\n") ? { patch: entry } : { path: entry },
    ),
    ...listOf(kustomization.patchesJson6902, `${file}: patchesJson6902`),
    ...listOf(kustomization.patches, `${file}: patches`),
  ];
  for (const entry of entries) {
    if (!isObject(entry)) throw new RenderProblem(`${file}: a patch is not a mapping`);
    const text =
      typeof entry.patch === "string" ? entry.patch : textOf(files, resolvePath(folder, String(entry.path)), file);
    for (const patch of parseTexts(text, String(entry.path ?? file)))
      manifests = patchOne(manifests, patch, entry.target, file);
  }
  return manifests;
}

function patchOne(manifests: Manifest[], patch: unknown, target: unknown, file: string): Manifest[] {
  const chosen = isObject(target) ? target : identityOf(patch);
  const fits = (one: Manifest): boolean =>
    (chosen.kind === undefined || chosen.kind === one.kind) &&
    (chosen.name === undefined || new RegExp(`^(${chosen.name})$`).test(one.metadata.name)) &&
    (chosen.namespace === undefined ||
      one.metadata.namespace === undefined ||
      chosen.namespace === one.metadata.namespace);
  if (!manifests.some(fits)) {
    throw new RenderProblem(`${file}: no matches for the patch of ${String(chosen.kind)} ${String(chosen.name)}`);
  }
  const named = isObject(target);
  return manifests.flatMap((one) => {
    if (!fits(one)) return [one];
    if (isObject(patch) && patch.$patch === "delete") return [];
    try {
      const changed = Array.isArray(patch) ? applyJsonPatch(one, patch as JsonPatch) : mergeStrategic(one, patch);
      const after = changed as Manifest;
      return [named ? { ...after, kind: one.kind, metadata: { ...after.metadata, name: one.metadata.name } } : after];
    } catch (error) {
      throw new RenderProblem(`${file}: the patch of ${one.kind} ${one.metadata.name}: ${(error as Error).message}`);
    }
  });
}

function identityOf(patch: unknown): Record<string, unknown> {
  if (!isObject(patch) || !isObject(patch.metadata)) throw new RenderProblem("a patch names no resource");
  return { kind: patch.kind, name: patch.metadata.name };
}

function readKustomization(files: Files, file: string): Record<string, unknown> {
  const [value, ...more] = parseTexts(textOf(files, file, file), file);
  if (!isObject(value) || more.length > 0) throw new RenderProblem(`${file}: invalid Kustomization`);
  const unknown = Object.keys(value).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new RenderProblem(`${file}: invalid Kustomization: unknown field "${unknown[0]}"`);
  return value;
}

function readManifests(files: Files, file: string): Manifest[] {
  return parseTexts(textOf(files, file, file), file).flatMap((value): Manifest[] => {
    if (value === null || value === undefined) return [];
    if (isObject(value) && value.kind === "List" && Array.isArray(value.items)) return value.items as Manifest[];
    const { apiVersion, kind, metadata } = isObject(value) ? value : {};
    if (
      typeof apiVersion !== "string" ||
      typeof kind !== "string" ||
      !isObject(metadata) ||
      typeof metadata.name !== "string"
    ) {
      throw new RenderProblem(`${file}: not a Kubernetes resource: apiVersion, kind and metadata.name are needed`);
    }
    return [value as Manifest];
  });
}

function parseTexts(text: string, file: string): unknown[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error) throw new RenderProblem(`${file}: yaml: ${error.message.split("\n")[0]}`);
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  });
}

function kustomizationFile(files: Files, folder: string): string | undefined {
  return NAMES.map((name) => (folder === "" ? name : `${folder}/${name}`)).find((file) => files.has(file));
}

function textOf(files: Files, path: string, from: string): string {
  const text = files.get(path);
  if (text === undefined) throw new RenderProblem(`${from}: '${path}' doesn't exist`);
  return text;
}

function listOf(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new RenderProblem(`${what} is not a list`);
  return value;
}

function folderOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
}
