// The record of an app: what is stored, and what the expressions of pipelines read as `app`. It has the fields of the app and
// those that pipelines of older versions read (`image`, `harbor`). Records that create-app made have only some of them. Pure.

import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { type AppFields, appShape } from "./app-shape.ts";

const FIELDS = Object.keys(appShape.shape);
/** Derived from the fields. */
const DERIVED = ["image", "harbor"];

/**
 * The record of an app with these fields. `before`: its current record. Its other keys are kept, because a custom pipeline
 * may have written them.
 */
export function recordOf(name: string, fields: AppFields, before: JsonObject = {}): JsonObject {
  const images = (fields.images ?? [{ name, dockerfile: "Dockerfile", context: "." }]).map((image) => ({
    ...image,
    repository: image.repository ?? `${fields.source.project.toLowerCase()}/${image.name}`,
  }));
  const [first = { name, repository: name }] = images;
  const others = Object.entries(before).filter(([key]) => !FIELDS.includes(key) && !DERIVED.includes(key));
  // Only what JSON can hold: optional fields of the schema are left out, not undefined.
  return JSON.parse(
    JSON.stringify({
      ...Object.fromEntries(others),
      ...fields,
      images,
      image: { name: first.name, repository: first.repository },
      harbor: fields.harbor ?? { project: harborProject(first.repository) },
      namespace: fields.namespace ?? name,
    }),
  ) as JsonObject;
}

/**
 * The fields that a record has. Fields written by create-app or by a custom pipeline may not match the schema.
 */
export function fieldsOf(record: JsonObject): JsonObject {
  const image = isJsonObject(record.image) ? record.image : undefined;
  const { name, repository } = image ?? {};
  const harbor = isJsonObject(record.harbor) ? record.harbor.project : undefined;
  const images = record.images ?? (name === undefined ? undefined : [{ name, ...given({ repository }) }]);
  const own = Object.entries(record).filter(([key]) => FIELDS.includes(key) && !DERIVED.includes(key));
  const isDerived = typeof repository === "string" && harbor === harborProject(repository);
  return {
    ...Object.fromEntries(own),
    ...given({ images }),
    ...(harbor === undefined || isDerived ? {} : { harbor: { project: harbor } }),
  };
}

function harborProject(repository: string): string {
  return repository.split("/")[0] ?? repository;
}

function given(fields: { readonly [key: string]: JsonValue | undefined }): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter((one): one is [string, JsonValue] => one[1] !== undefined));
}

/**
 * The record with every field that pipelines may read, even if an older version stored it: `images`, `yaml.form`, the names
 * in other systems, and the namespace and path of each target.
 */
export function completeRecord(name: string, record: JsonObject): JsonObject {
  const { source, yaml, targets } = record;
  const { images } = fieldsOf(record);
  const namespace = typeof record.namespace === "string" ? record.namespace : name;
  return {
    argocd: { project: name },
    sonarqube: { project: name },
    ...record,
    ...given({ images }),
    ...(isJsonObject(source) ? { source: { folder: ".", url: "", ...source } } : {}),
    ...(isJsonObject(yaml) ? { yaml: { form: "kustomize", ...yaml } } : {}),
    ...(Array.isArray(targets)
      ? {
          targets: (targets as readonly JsonValue[]).map((one) =>
            isJsonObject(one) ? completeTarget(namespace, one) : one,
          ),
        }
      : {}),
  };
}

/** The Argo CD application of a target. */
export function applicationOf(name: string, { application, cluster }: JsonObject): string {
  return typeof application === "string" ? application : `${name}-${String(cluster)}`;
}

function completeTarget(namespace: string, target: JsonObject): JsonObject {
  const { overlay, files } = target;
  const first: unknown = Array.isArray(files) ? files[0] : undefined;
  return {
    namespace,
    path: typeof overlay === "string" ? overlay : folderOf(typeof first === "string" ? first : "."),
    ...target,
  };
}

/** `files` of a target may name folders. */
function folderOf(path: string): string {
  if (!/\.(?:ya?ml|json)$/i.test(path)) return path;
  return path.split("/").slice(0, -1).join("/") || ".";
}

/** The record of the app under another name. Names in other systems that were derived from the old name do not change. */
export function renamedRecord(name: string, record: JsonObject): JsonObject {
  const { targets, formerNames } = record;
  return {
    argocd: { project: name },
    sonarqube: { project: name },
    namespace: name,
    ...record,
    formerNames: [name, ...(Array.isArray(formerNames) ? (formerNames as readonly JsonValue[]) : [])].slice(0, 20),
    ...(Array.isArray(targets)
      ? {
          targets: (targets as readonly JsonValue[]).map((one) =>
            isJsonObject(one) ? { ...one, application: applicationOf(name, one) } : one,
          ),
        }
      : {}),
  };
}
