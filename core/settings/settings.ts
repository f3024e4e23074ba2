// Settings that an operator may change at run time. An unset setting has the value from the configuration of the process, or
// the default in its row. Addresses, secrets and folders are not settings, because a process needs them at the start.

import { z } from "zod";
import { GantryError, type Problem } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { KEY_WINDOW_DAYS } from "../retention/policy.ts";
import { didYouMean } from "../suggest.ts";
import { truncate } from "../truncate.ts";

export const PROCESSES = ["task-agent", "task-runner", "notify-agent", "portal-api"] as const;
export type ProcessName = (typeof PROCESSES)[number];

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

type Spec = {
  readonly title: string;
  readonly schema: z.core.$ZodType<JsonValue>;
  /** The allowed values, as the end of a sentence that begins with "must be". */
  readonly allowed: string;
  /** The value while it is not set. */
  readonly unset: string;
  readonly processes: readonly ProcessName[];
};

const site = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const whole = (least: number, most: number) => ({
  schema: z.int().min(least).max(most),
  allowed: `a whole number from ${least} to ${most}`,
});
const level = (name: ProcessName) =>
  ({
    title: `Log level of the ${name}`,
    schema: z.enum(LOG_LEVELS),
    allowed: `one of ${LOG_LEVELS.join(", ")}`,
    unset: "`logLevel` of its configuration",
    processes: [name],
  }) as const;

export const SETTINGS = {
  "log.taskAgent": level("task-agent"),
  "log.taskRunner": level("task-runner"),
  "log.notifyAgent": level("notify-agent"),
  "log.portalApi": level("portal-api"),
  "dispatch.pausedSites": {
    title: "Sites at which no job is started; running jobs continue",
    schema: z.array(site).max(500),
    allowed: "a list of names of sites, at most 500",
    unset: "none",
    processes: ["task-agent"],
  },
  "dispatch.jobsPerSite": {
    title: "Jobs that may run at one site at the same time",
    ...whole(1, 100_000),
    unset: "as many as its runners have slots",
    processes: ["task-agent"],
  },
  "tasks.perMinute": {
    title: "Tasks that one person or token may start in a minute, at each task-agent",
    ...whole(1, 10_000),
    unset: "as many as they like",
    processes: ["task-agent"],
  },
  "tasks.cancelGraceSeconds": {
    title: "How long a canceled job may take to stop before it is killed",
    ...whole(1, 120),
    unset: "`cancelGraceMs` of the task-agent's configuration",
    processes: ["task-agent", "task-runner"],
  },
  "runners.pollSeconds": {
    title: "How long a runner's request for work is held open",
    ...whole(1, 25),
    unset: "25",
    processes: ["task-runner"],
  },
  "runners.drainSeconds": {
    title: "How long jobs may continue when their runner is asked to end",
    ...whole(0, 86_400),
    unset: "`drainSeconds` of the runner's configuration",
    processes: ["task-runner"],
  },
  "retention.paused": {
    title: "No task and no log is archived",
    schema: z.boolean(),
    allowed: "true or false",
    unset: "`retention.enabled` of the task-agent's configuration",
    processes: ["task-agent"],
  },
  "retention.taskDays": {
    title: "Days that ended tasks are kept before they are archived",
    ...whole(KEY_WINDOW_DAYS, 36_500),
    unset: "`retention.tasks.days` of the task-agent's configuration",
    processes: ["task-agent"],
  },
  "retention.keepTasks": {
    title: "Newest ended tasks of each app and pipeline that are kept, regardless of age",
    ...whole(1, 10_000),
    unset: "`retention.tasks.keep` of the task-agent's configuration",
    processes: ["task-agent"],
  },
  "retention.logDays": {
    title: "Days that logs of ended tasks are kept before they are archived",
    ...whole(1, 36_500),
    unset: "`retention.logs.days` of the task-agent's configuration",
    processes: ["task-agent"],
  },
  "notify.paused": {
    title: "Send no messages; they wait and are sent later",
    schema: z.boolean(),
    allowed: "true or false",
    unset: "false",
    processes: ["notify-agent"],
  },
} as const satisfies { readonly [key: string]: Spec };

export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** Only the settings that are set. */
export type LiveSettings = { readonly [K in SettingKey]?: z.output<(typeof SETTINGS)[K]["schema"]> };

export const NO_SETTINGS: LiveSettings = {};

/**
 * The stored settings that this version knows. Unknown keys were set by a newer version and are omitted; values that this
 * version does not allow count as not set.
 */
export function readSettings(kept: JsonObject): LiveSettings {
  const known = SETTING_KEYS.flatMap((key) => {
    const parsed = Object.hasOwn(kept, key) ? SETTINGS[key].schema.safeParse(kept[key]) : undefined;
    return parsed?.success ? [[key, parsed.data] as const] : [];
  });
  return Object.fromEntries(known);
}

export type SettingsRequest = {
  /** The version that the change is based on. */
  readonly version: number;
  /** null resets a setting. */
  readonly changes: { readonly [key: string]: JsonValue };
};

export type SettingChange = { readonly key: string; readonly from: JsonValue; readonly to: JsonValue };

/** The changes, and the settings after them; no changes if the values are already set. Keys of newer versions are kept. */
export function decideSettings(
  kept: JsonObject,
  version: number,
  request: SettingsRequest,
): { readonly changes: readonly SettingChange[]; readonly kept: JsonObject } | GantryError {
  const problems = Object.entries(request.changes).flatMap(([key, value]) => problemWith(key, value) ?? []);
  const [first] = problems;
  if (first) return new GantryError("bad-request", { problem: first.detail }, { problems });
  if (request.version !== version)
    return new GantryError("version-differs", { found: version, wanted: request.version });
  const changes = Object.entries(request.changes)
    .map(([key, to]) => ({ key, from: Object.hasOwn(kept, key) ? (kept[key] ?? null) : null, to }))
    .filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to));
  const next = Object.fromEntries(
    Object.entries({ ...kept, ...request.changes }).filter(([, value]) => value !== null),
  ) as JsonObject;
  return { changes, kept: next };
}

function problemWith(key: string, value: JsonValue): Problem | undefined {
  const pointer = `/changes/${key.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  if (!Object.hasOwn(SETTINGS, key))
    return { pointer, detail: `there is no setting ${truncate(key, 100)}${didYouMean(key, SETTING_KEYS)}` };
  const { schema, allowed } = SETTINGS[key as SettingKey];
  if (value === null || schema.safeParse(value).success) return undefined;
  return { pointer, detail: `${key} must be ${allowed}, or null to take it back` };
}
