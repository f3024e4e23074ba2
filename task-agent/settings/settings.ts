// Settings that are changed while everything runs: kept in the journal, so that all agents have the same, with every change
// that was ever made. Each agent looks for changes of the others once a second.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import {
  decideSettings,
  type LiveSettings,
  NO_SETTINGS,
  readSettings,
  SETTING_KEYS,
  SETTINGS,
} from "@gantry/core/settings/settings.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type {
  ChangeSettings,
  RunnerSettings,
  SettingsChangeView,
  SettingsNow,
  SettingsView,
  SettingView,
} from "@gantry/wire/settings/settings.ts";
import type { AgentConfig } from "../config.ts";

export const SETTINGS_STREAM = "settings/live";
const MAX_HISTORY = 200;

export type Settings = {
  readonly now: () => LiveSettings;
  readonly view: () => SettingsView;
  /** For processes that heed them; holds up to `waitMs` while the version is not above `after`. */
  readonly changed: (after: number, waitMs: number, gone: AbortSignal) => Promise<SettingsNow>;
  /** Durable when it resolves. Throws `bad-request` with every wrong value, and `version-differs`. */
  readonly change: (wish: ChangeSettings) => Promise<SettingsView>;
  /** Changes below a version, newest first. */
  readonly history: (below: number | undefined, limit: number) => Promise<readonly SettingsChangeView[]>;
  /** Takes over what other agents have changed. */
  readonly refresh: () => Promise<void>;
  /** Called after every change, also of other agents, and at once where something is set. */
  readonly listen: (heed: (now: LiveSettings) => void) => void;
};

/** What is set already is in force when it resolves. */
export async function openSettings(
  journal: Pick<Journal, "load" | "append" | "events" | "now">,
  clock: Clock,
): Promise<Settings> {
  let version = 0;
  let kept: JsonObject = {};
  let live: LiveSettings = NO_SETTINGS;
  const listeners: ((now: LiveSettings) => void)[] = [];
  const waiting = new Set<() => void>();

  const take = (newVersion: number, newKept: JsonObject): void => {
    if (newVersion <= version) return;
    version = newVersion;
    kept = newKept;
    live = readSettings(kept);
    for (const heed of listeners) heed(live);
    for (const wake of [...waiting]) wake();
  };
  const refresh = async (): Promise<void> => {
    const loaded = await journal.load(SETTINGS_STREAM);
    if (loaded) take(loaded.version, loaded.snapshot as JsonObject);
  };
  const view = (): SettingsView => ({
    version,
    items: SETTING_KEYS.map((key) => {
      const { title, allowed, unset, processes } = SETTINGS[key];
      return { key, title, value: valueNow(live, key), allowed, unset, processes: [...processes] };
    }),
  });

  await refresh();
  return {
    now: () => live,
    view,
    refresh,
    changed: async (after, waitMs, gone) => {
      if (version <= after) {
        await pause(clock, waitMs, gone, (wake) => {
          waiting.add(wake);
          return () => void waiting.delete(wake);
        });
      }
      return { version, values: structuredClone(kept) as SettingsNow["values"] };
    },
    change: async ({ principal: by, reason, ...wish }) => {
      await refresh();
      const decided = decideSettings(kept, version, wish);
      if (decided instanceof GantryError) throw decided;
      if (decided.changes.length === 0) return view();
      const at = Math.floor((await journal.now()) / 1_000);
      const changes = decided.changes.map((one) => ({ ...one }));
      const event = { kind: "SettingsChanged", at, by, ...(reason === undefined ? {} : { reason }), changes };
      const append = { stream: SETTINGS_STREAM, expected: wish.version, events: [event], snapshot: decided.kept };
      const result = await journal.append([append]);
      if (!result.ok) throw new GantryError("version-differs", { found: result.version, wanted: wish.version });
      take(wish.version + 1, decided.kept);
      return view();
    },
    history: async (below = version + 1, limit) => {
      const count = Math.min(limit, MAX_HISTORY);
      const after = Math.max(0, below - 1 - count);
      const events = await journal.events(SETTINGS_STREAM, after, Math.min(count, below - 1 - after));
      return events.map(({ version: at, event }) => changeView(at, event)).toReversed();
    },
    listen: (heed) => {
      listeners.push(heed);
      if (version > 0) heed(live);
    },
  };
}

/** Without a journal behind it: nothing is set. For worlds that do not change settings. */
export const UNSET: Pick<Settings, "now" | "listen"> = { now: () => NO_SETTINGS, listen: () => {} };

/** What runners are told. */
export function forRunners(now: LiveSettings): RunnerSettings {
  const [poll, drain] = [now["runners.pollSeconds"], now["runners.drainSeconds"]];
  const logLevel = now["log.taskRunner"];
  return {
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(poll === undefined ? {} : { pollMs: poll * 1_000 }),
    ...(drain === undefined ? {} : { drainMs: drain * 1_000 }),
  };
}

/** The configuration of the leases with what is set over it, as of the moment at which it is read. */
export function heededBy(
  { lease, aliveMs, cancelGraceMs }: Pick<AgentConfig, "lease" | "aliveMs" | "cancelGraceMs">,
  { now }: Pick<Settings, "now">,
): Pick<AgentConfig, "lease" | "aliveMs" | "cancelGraceMs"> {
  return {
    lease,
    aliveMs,
    get cancelGraceMs() {
      const seconds = now()["tasks.cancelGraceSeconds"];
      return seconds === undefined ? cancelGraceMs : seconds * 1_000;
    },
  };
}

function valueNow(live: LiveSettings, key: (typeof SETTING_KEYS)[number]): SettingView["value"] {
  const value = live[key];
  return value === undefined ? null : (structuredClone(value) as SettingView["value"]);
}

type Kept = Pick<SettingsChangeView, "by" | "reason" | "changes"> & { readonly at: number };

function changeView(version: number, event: JsonObject): SettingsChangeView {
  const { at, by, reason, changes } = event as unknown as Kept;
  const why = reason === undefined ? {} : { reason };
  return { version, at: new Date(at).toISOString(), by, ...why, changes };
}
