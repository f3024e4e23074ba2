// Live settings on the wire: of the task-agent, of the portal, and to runners.

import { LOG_LEVELS } from "@gantry/core/settings/settings.ts";
import { z } from "zod";

const time = z.iso.datetime().describe("RFC 3339, UTC");
const value = z.json().describe("null: not set");

export const settingView = z
  .object({
    key: z.string(),
    title: z.string(),
    value,
    allowed: z.string().describe("What may be set: `must be …`"),
    unset: z.string().describe("What applies while it is not set"),
    processes: z.array(z.string()).describe("The processes that apply it"),
  })
  .meta({ id: "Setting" });
export type SettingView = z.infer<typeof settingView>;

export const settingsView = z
  .object({
    version: z.int().describe("Grows with every change; a change names the version that it is based on"),
    items: z.array(settingView),
  })
  .meta({ id: "Settings" });
export type SettingsView = z.infer<typeof settingsView>;

export const settingsChange = z
  .object({
    version: z.int().describe("After the change"),
    at: time,
    by: z.string(),
    reason: z.string().optional(),
    changes: z.array(z.object({ key: z.string(), from: value, to: value })),
  })
  .meta({ id: "SettingsChange" });
export type SettingsChangeView = z.infer<typeof settingsChange>;

/** Body of a change request to the portal. */
export const changeSettings = z.strictObject({
  version: z.int().min(0).describe("As it was read"),
  changes: z
    .record(z.string().max(100), z.json())
    .refine((changes) => Object.keys(changes).length > 0, "at least one setting")
    .describe("Setting → new value; null unsets it"),
  reason: z.string().max(500).optional().describe("Why; kept with the change"),
});
/** The same request from the portal to the task-agent, with the principal. */
export const changeSettingsFor = z.object({ ...changeSettings.shape, principal: z.string().min(1).max(200) });
export type ChangeSettings = z.infer<typeof changeSettingsFor>;

/** For processes: only the values that are set. Values that a version does not know count as unset. */
export const settingsNow = z.object({ version: z.int(), values: z.record(z.string(), z.json()) });
export type SettingsNow = z.infer<typeof settingsNow>;

/** In every answer to a poll. Values that a runner does not understand count as unset. */
export const runnerSettings = z.object({
  logLevel: z.enum(LOG_LEVELS).optional().catch(undefined),
  pollMs: z.int().min(100).max(25_000).optional().catch(undefined),
  drainMs: z.int().min(0).optional().catch(undefined),
});
export type RunnerSettings = z.infer<typeof runnerSettings>;
