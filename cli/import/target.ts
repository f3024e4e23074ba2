// The parts of a Gantry pipeline that every import makes.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";

/** What an import is asked for. */
export type ImportOptions = {
  /** Shown in messages and in the comment of the result. */
  readonly file: string;
  /** Name of the pipeline. */
  readonly name: string;
  /** The site of its jobs; default: that of the app's builds. */
  readonly site: string | undefined;
  /** Of a flow: what its commands do, by name: `run` with `shell`, or `uses`. */
  readonly commands?: JsonObject;
};

export const DEFAULT_SITE = "${{ app.build.site }}";

/** The params that stand for what started the pipeline. A trigger fills them in. */
export const SOURCE_PARAMS = {
  ref: { type: "string", title: "Branch, tag or commit", default: "${{ app.source.branch }}" },
  branch: { type: "string", title: "Branch", default: "${{ app.source.branch }}" },
} as const satisfies JsonObject;

/** The source of the app, in the workspace of a job. */
export function checkout(id = "checkout", more: JsonObject = {}): JsonObject {
  const repository = {
    system: "${{ app.source.system }}",
    project: "${{ app.source.project }}",
    slug: "${{ app.source.slug }}",
  };
  return { id, uses: "git/checkout", with: { repository, ref: "${{ params.ref }}", ...more } };
}

/** The params of a push. */
export const OF_PUSH = { ref: "${{ trigger.commit }}", branch: "${{ trigger.branch }}" } as const;

/** An object without what is undefined. */
export function compact(parts: { readonly [key: string]: JsonValue | undefined }): JsonObject {
  return Object.fromEntries(
    Object.entries(parts).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}

/** Undefined for a map or list without anything in it. */
export function orNothing<T extends JsonValue>(value: T): T | undefined {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? undefined : value;
}

/** An id of a job or step: letters, digits, `-`, `_`, beginning with a letter. */
export function idOf(text: string, fallback: string): string {
  const id = text
    .trim()
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^[^A-Za-z]+|-+$/g, "")
    .slice(0, 60);
  return id === "" ? fallback : id;
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [value as JsonValue];
}

export function textsOf(value: JsonValue | undefined): readonly string[] {
  return listOf(value).filter((one) => typeof one === "string");
}

export function minutes(value: JsonValue | undefined): string | undefined {
  return typeof value === "number" && value >= 1 ? `${Math.round(value)}m` : undefined;
}

const ON_RUNNER = "scripts run on the machine of a runner: give the runner the tools, and choose it by `labels`";
/** What to do instead of a word that several tools have. */
export const COMMON_HINTS = {
  container: ON_RUNNER,
  image: ON_RUNNER,
  services: "start what the job needs in a script, or on the machine of the runner",
  environment: "environments belong to the targets of an app",
} as const;

/** `word`: as the other tool has it, perhaps with where it stands. */
export function noCounterpart(word: string, hint: string | undefined): string {
  return `${word} has no counterpart${hint === undefined ? "" : ` (${hint})`}`;
}
