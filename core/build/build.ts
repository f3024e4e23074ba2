// A build: what a CI task made and what is known of it. CD deploys builds. Pure.

import { z } from "zod";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { type CheckOptions, checkSchema, type SchemaProblem } from "../pipeline/json-schema.ts";
import { truncate } from "../truncate.ts";

const text = (most: number) => z.string().min(1).max(most);
/** For people only: a long one is no reason to refuse a build. */
const words = (most: number) =>
  z
    .string()
    .min(1)
    .transform((all) => truncate(all, most));
const count = z.int().min(0);

const image = z.object({
  name: text(128),
  /** Path in the registry. */
  repository: text(255),
  /** With the host of the registry that it was pushed to. */
  image: text(500),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hexadecimal digits"),
});

/** What a pipeline says of its build in `build:`. Values that are absent, null or empty are left out. */
export const buildFacts = z.object({
  commit: text(64),
  branch: text(250),
  subject: words(500).optional(),
  author: words(300).optional(),
  /** Of the commit, for people. */
  url: text(1_000).optional(),
  images: z.array(image).min(1).max(20),
  /** `severity`: the worst that the scan found, or `none`. */
  scan: z.object({ severity: text(30), report: text(1_000).optional() }).optional(),
  /** `status`: `passed`, or how the gate ended otherwise. */
  gate: z.object({ status: text(30), report: text(1_000).optional() }).optional(),
  tests: z
    .object({ passed: count, failed: count, skipped: count.optional(), coverage: z.number().optional() })
    .optional(),
});
export type BuildFacts = z.output<typeof buildFacts>;

/** The keys of `build:` in a pipeline. */
export const BUILD_KEYS = Object.keys(buildFacts.shape) as readonly (keyof BuildFacts)[];

export type Build = BuildFacts & {
  /** Counts from 1 for each app. */
  readonly number: number;
  /** The name of the app when it was built. */
  readonly app: string;
  readonly task: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Made by a pipeline of the app's own repository: its scan, gate and tests are only what that pipeline says. */
  readonly isOwn?: true;
  /** It is not chosen by itself until a person lets it go. Absent: it is not held. */
  readonly held?: BuildHold;
};

export type BuildHold = {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
  /** The rollback that took it back. Absent: a person holds it. */
  readonly task?: string;
};

const BUILD_SCHEMA = z.toJSONSchema(buildFacts, { io: "input" });

/** What is wrong with a `build:` whose texts may hold expressions. */
export function checkBuildFacts(template: JsonObject, options: CheckOptions): readonly SchemaProblem[] {
  return checkSchema(BUILD_SCHEMA, withoutEmpty(template), options);
}

/** What a rendered `build:` says, or the first thing that is wrong with it, as a sentence without a full stop. */
export function readBuildFacts(rendered: JsonValue): BuildFacts | { readonly problem: string } {
  const read = buildFacts.safeParse(withoutEmpty(rendered));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const place = ["build", ...(issue?.path ?? [])].join(".");
  return { problem: `${place}: ${issue?.message ?? "is wrong"}` };
}

/** A step that a site does not have gives nothing, so its fact is left out: also a map with nothing in it. */
function withoutEmpty(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(withoutEmpty);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value)
    .map(([key, inner]): [string, JsonValue] => [key, withoutEmpty(inner)])
    .filter(([, inner]) => inner !== null && inner !== "" && !(isJsonObject(inner) && Object.keys(inner).length === 0));
  return Object.fromEntries(kept);
}

/** What expressions see as `build`. */
export function buildScope({ held: _, ...build }: Build): JsonObject {
  return JSON.parse(JSON.stringify(build)) as JsonObject;
}

/**
 * The build of an app that older versions built: they kept only the newest image as facts of the app. Undefined when there
 * is none. Its number is 0.
 */
export function buildOfFacts(app: string, record: JsonObject, facts: JsonObject): Build | undefined {
  const { digest, commit } = facts;
  const image = isJsonObject(record.image) ? record.image : {};
  const source = isJsonObject(record.source) ? record.source : {};
  const read = readBuildFacts({
    commit: commit ?? "unknown",
    branch: source.branch ?? "main",
    images: [
      {
        name: image.name ?? app,
        repository: image.repository ?? app,
        image: facts.image ?? image.repository ?? app,
        digest: digest ?? "",
      },
    ],
  });
  return "problem" in read ? undefined : { ...read, number: 0, app, task: "", by: "", at: 0 };
}

/** "#12", or for a build of an older version "the image of an older version". */
export function buildName({ number }: Pick<Build, "number">): string {
  return number === 0 ? "the image that an older version of Gantry recorded" : `build #${number}`;
}
