// What a deployment would change at one target: the manifests of the commit that it would make, against what runs. Pure.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { type Change, difference, inWords } from "../diff.ts";
import { type ManagedResource, stateOf } from "../model.ts";
import { carry } from "./carry.ts";
import { hideSecret, withoutNoise } from "./hide.ts";
import { type PlannedImage, withImages } from "./planned-images.ts";

export type Action = "add" | "change" | "remove";

/** An object that the deployment changes. `before` and `after` hold no value of a Secret. */
export type PlannedObject = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly action: Action;
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
  /** The fields that change; empty for what is added or removed. */
  readonly fields: readonly Change[];
};

export type PlanFacts = {
  /** What Argo CD makes of the newest commit, without hooks. Undefined: it has compared with that commit, and its targets are these. */
  readonly rendered: readonly JsonObject[] | undefined;
  readonly managed: readonly ManagedResource[];
  readonly images: readonly PlannedImage[];
};

export type Planned = {
  readonly objects: readonly PlannedObject[];
  /** All objects that the application has afterwards. */
  readonly targets: readonly JsonObject[];
  readonly usedImages: ReadonlySet<string>;
  /** Names of Secrets whose values could not be compared. */
  readonly hiddenSecrets: readonly string[];
};

export function decidePlan({ rendered, managed: all, images }: PlanFacts): Planned {
  const managed = all.filter(({ hook }) => hook !== true);
  const usedImages = new Set<string>();
  const hiddenSecrets: string[] = [];
  const withNew = (target: JsonObject): JsonObject =>
    asObject(withImages(target, images, (name) => void usedImages.add(name))) ?? target;
  const pairs: readonly Pair[] = rendered
    ? pairUp(rendered, managed)
    : managed.map((one) => ({ one, next: asObject(stateOf(one.targetState)) }));
  const objects = pairs.flatMap(({ one, next }): readonly PlannedObject[] => {
    const kept = next && one && rendered && isSecret(next) ? secretAsCompared(next, one) : undefined;
    if (kept) hiddenSecrets.push(nameOf(next));
    const after = kept ?? next;
    return decideObject(one, after && withNew(after));
  });
  const targets = pairs.flatMap(({ next }) => (next ? [next] : []));
  return { objects, targets, usedImages, hiddenSecrets };
}

/** `one`: what Argo CD knows of the object now. `next`: as the commit has it. */
type Pair = { readonly one: ManagedResource | undefined; readonly next: JsonObject | undefined };

function pairUp(rendered: readonly JsonObject[], managed: readonly ManagedResource[]): readonly Pair[] {
  const left = new Set(managed);
  const pairs = rendered.map((next): Pair => {
    const one = [...left].find((each) => isOf(each, next));
    if (one) left.delete(one);
    return { one, next };
  });
  return [...pairs, ...[...left].map((one): Pair => ({ one, next: undefined }))];
}

/** A manifest without a namespace gets that of the application, unless its kind has none. */
function isOf(one: ManagedResource, target: JsonObject): boolean {
  const { kind, name, group, namespace } = identityOf(target);
  if (one.kind !== kind || one.name !== name || (one.group ?? "") !== group) return false;
  return namespace === "" || (one.namespace ?? "") === namespace;
}

function decideObject(one: ManagedResource | undefined, next: JsonObject | undefined): readonly PlannedObject[] {
  const live = one && asObject(stateOf(one.normalizedLiveState) ?? stateOf(one.liveState));
  if (!live && !next) return [];
  const target = one && asObject(stateOf(one.targetState));
  const after = next && live ? merged(target, next, live, one) : next;
  const [from, to] = hideSecret(live && withoutNoise(live), after && withoutNoise(after));
  const fields = from && to ? [...difference(from, to, "")] : [];
  if (from && to && fields.length === 0) return [];
  const { kind, name, group, version, namespace } = identityOf(next ?? live ?? {});
  const place = { group, version, kind, name, namespace: one?.namespace ?? namespace };
  return [{ ...place, action: !from ? "add" : to ? "change" : "remove", before: from, after: to, fields }];
}

/**
 * What runs, with what a sync of the present target would change, as Argo CD predicts it, and with what the commit changes in the target.
 * So neither a default of the cluster nor a difference that the application ignores counts.
 */
function merged(
  target: JsonObject | undefined,
  next: JsonObject,
  live: JsonObject,
  one: ManagedResource | undefined,
): JsonObject {
  const predicted = one && asObject(stateOf(one.predictedLiveState));
  const onto = target ? (predicted ?? target) : live;
  return asObject(carry(target && withNamespace(target, next), next, onto)) ?? next;
}

/** The target has a namespace that a rendered manifest may lack. */
function withNamespace(target: JsonObject, next: JsonObject): JsonObject {
  const [metadata, other] = [asObject(target.metadata), asObject(next.metadata)];
  if (!metadata || other?.namespace !== undefined) return target;
  const { namespace: _, ...rest } = metadata;
  return { ...target, metadata: rest };
}

/** Argo CD shows the values of a rendered Secret to nobody, not even whether they differ. Those of the present target stand for them. */
function secretAsCompared(next: JsonObject, one: ManagedResource): JsonObject | undefined {
  const target = asObject(stateOf(one.targetState));
  const fields = ["data", "stringData"].flatMap((field) => {
    const [values, known] = [asObject(next[field]), asObject(target?.[field])];
    if (!values || !known) return [];
    const shown = Object.entries(values).map(([key, value]) => [key, known[key] ?? value] as const);
    return [[field, Object.fromEntries(shown)] as const];
  });
  return fields.length === 0 ? undefined : { ...next, ...Object.fromEntries(fields) };
}

/** One sentence per object or field, without a full stop: `Deployment orders: replicas 2 → 5`. */
export function objectInWords({ kind, name, action, fields }: PlannedObject): readonly string[] {
  if (action !== "change") return [`${kind} ${name}: ${action === "add" ? "added" : "removed"}`];
  const lines = fields.slice(0, PER_OBJECT).map(({ path, from, to }) => {
    return `${kind} ${name}: ${inWords(briefPath(path), from, to, kind === "Secret")}`;
  });
  const more = fields.length - lines.length;
  return more > 0 ? [...lines, `${kind} ${name}: ${more} more changes`] : lines;
}

const PER_OBJECT = 20;

/** `replicas` for `spec.replicas`. The image keeps its path, by which it is recognised. */
function briefPath(path: string): string {
  return /\.image$/.test(path) ? path : path.replace(/^spec\.(template\.spec\.)?(?=.)/, "");
}

export type Identity = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
};

export function identityOf(manifest: JsonObject): Identity {
  const metadata = asObject(manifest.metadata) ?? {};
  const [first = "", second] = textOf(manifest.apiVersion).split("/");
  return {
    group: second === undefined ? "" : first,
    version: second ?? first,
    kind: textOf(manifest.kind),
    name: textOf(metadata.name),
    namespace: textOf(metadata.namespace),
  };
}

function nameOf(manifest: JsonObject | undefined): string {
  return manifest ? identityOf(manifest).name : "";
}

function isSecret(manifest: JsonObject): boolean {
  const { kind, group } = identityOf(manifest);
  return kind === "Secret" && group === "";
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}
