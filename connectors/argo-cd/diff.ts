// What a sync would change, in words. Reads the states that Argo CD computed; shows no value of a Secret.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { type ManagedResource, stateOf } from "./model.ts";

const PER_RESOURCE = 5;

/** One or more sentences per resource that differs: `Deployment orders: image a → b`. */
export function diffInWords(resources: readonly ManagedResource[]): {
  readonly changed: number;
  readonly changes: string[];
} {
  const each = resources.filter((one) => one.hook !== true).map((one) => changesOf(one));
  const different = each.filter((lines) => lines.length > 0);
  return { changed: different.length, changes: different.flat() };
}

function changesOf(resource: ManagedResource): string[] {
  const name = `${resource.kind} ${resource.name}`;
  const target = stateOf(resource.targetState);
  const live = stateOf(resource.normalizedLiveState ?? resource.liveState);
  if (live === undefined) return target === undefined ? [] : [`${name}: create`];
  if (target === undefined) return [`${name}: remove`];
  const changes = [...difference(live, stateOf(resource.predictedLiveState) ?? target, "")];
  const hide = resource.kind === "Secret";
  const lines = changes.slice(0, PER_RESOURCE).map(({ path, from, to }) => `${name}: ${inWords(path, from, to, hide)}`);
  const more = changes.length - lines.length;
  return more > 0 ? [...lines, `${name}: ${more} more changes`] : lines;
}

/** Undefined: it is not there. */
export type Change = {
  readonly path: string;
  readonly from: JsonValue | undefined;
  readonly to: JsonValue | undefined;
};

/** Each place where the two values differ. Items of lists are compared by their order. */
export function* difference(from: JsonValue | undefined, to: JsonValue | undefined, path: string): Generator<Change> {
  if (isJsonObject(from) && isJsonObject(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
      yield* difference(from[key], to[key], path === "" ? key : `${path}.${key}`);
    }
  } else if (Array.isArray(from) && Array.isArray(to)) {
    for (let index = 0; index < Math.max(from.length, to.length); index++) {
      yield* difference(from[index], to[index], `${path}[${labelOf(to[index] ?? from[index]) ?? index}]`);
    }
  } else if (JSON.stringify(from) !== JSON.stringify(to)) {
    yield { path, from, to };
  }
}

/** `image a → b`. `hide`: it is of a Secret, whose values are never shown. */
export function inWords(path: string, from: JsonValue | undefined, to: JsonValue | undefined, hide: boolean): string {
  const what = /\.(initContainers|containers)\[[^\]]*\]\.image$/.test(path) ? "image" : path;
  if (hide && /^(data|stringData)\b/.test(path)) return `${path} changed`;
  return `${what} ${shown(from)} → ${shown(to)}`;
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return "(none)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const brief = text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, "$1…");
  return truncate(brief, 120);
}

function labelOf(item: JsonValue | undefined): string | undefined {
  return isJsonObject(item) && typeof item.name === "string" ? item.name : undefined;
}
