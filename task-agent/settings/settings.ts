// Settings that administrators change at run time. They are stored in the journal with every change ever made, so all agents
// have the same settings. Each agent reads changes of the other agents once a second.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import {
  decideSettings,
  type LiveSettings,
  NO_SETTINGS,
  readSettings,
  SETTING_KEYS,
  SETTINGS,
} from "@gantry/core/settings/settings.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
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

type ChangeEvent = {
  readonly kind: "SettingsChanged";
  /** Store time, ms since 1970. */
  readonly at: number;
  readonly by: string;
  readonly reason?: string;
  readonly changes: readonly { readonly key: string; readonly from: JsonValue; readonly to: JsonValue }[];
};

/** The state holds only the settings that are set. */
export const settingsStream = defineStream<JsonObject, ChangeEvent>({ prefix: "settings/live" });

const MAX_HISTORY = 200;

export type Settings = {
  readonly now: () => LiveSettings;
  readonly view: () => SettingsView;
  /** For other processes: waits up to `waitMs`, or until `signal` aborts, while the version is not above `after`. */
  readonly changed: (after: number, waitMs: number, signal: AbortSignal) => Promise<SettingsNow>;
  /** Durable when it resolves. Throws `bad-request` with every wrong value, and `version-differs`. */
  readonly change: (request: ChangeSettings) => Promise<SettingsView>;
  /** Changes below a version, newest first. */
  readonly history: (below: number | undefined, limit: number) => Promise<readonly SettingsChangeView[]>;
  /** Reads what other agents have changed. Rejects when the store fails. */
  readonly refresh: () => Promise<void>;
  /** The listener is called after every change, of other agents too, and at once when anything is set. It must not throw. */
  readonly listen: (listener: (now: LiveSettings) => void) => void;
};

/** Resolves when the stored settings apply. Rejects when the store fails. */
export async function openSettings(
  journal: Pick<Journal, "load" | "append" | "events" | "now">,
  clock: Clock,
): Promise<Settings> {
  let version = 0;
  let stored: JsonObject = {};
  let live: LiveSettings = NO_SETTINGS;
  const listeners: ((now: LiveSettings) => void)[] = [];
  const waiting = new Set<() => void>();

  const apply = (newVersion: number, newStored: JsonObject): void => {
    if (newVersion <= version) return;
    version = newVersion;
    stored = newStored;
    live = readSettings(stored);
    for (const listener of listeners) listener(live);
    for (const wake of [...waiting]) wake();
  };
  const refresh = async (): Promise<void> => {
    const loaded = await settingsStream.load(journal);
    if (loaded) apply(loaded.version, loaded.state);
  };
  const view = (): SettingsView => ({ version, items: settingViews(live) });

  await refresh();
  return {
    now: () => live,
    view,
    refresh,
    changed: async (after, waitMs, signal) => {
      if (version <= after) {
        await pause(clock, waitMs, signal, (wake) => {
          waiting.add(wake);
          return () => void waiting.delete(wake);
        });
      }
      return { version, values: structuredClone(stored) as SettingsNow["values"] };
    },
    change: async ({ principal: by, reason, ...request }) => {
      await refresh();
      const decided = decideSettings(stored, version, request);
      if (decided instanceof GantryError) throw decided;
      if (decided.changes.length === 0) return view();
      const at = Math.floor((await journal.now()) / 1_000);
      const changes = decided.changes.map((one) => ({ ...one }));
      const event = { kind: "SettingsChanged", at, by, ...(reason === undefined ? {} : { reason }), changes } as const;
      const { version: expected } = request;
      const result = await journal.append([
        settingsStream.append("", { expected, events: [event], state: decided.kept }),
      ]);
      if (!result.ok) throw new GantryError("version-differs", { found: result.version, wanted: expected });
      apply(expected + 1, decided.kept);
      return view();
    },
    history: async (below = version + 1, limit) => {
      const count = Math.min(limit, MAX_HISTORY);
      const after = Math.max(0, below - 1 - count);
      const events = await journal.events(settingsStream.name(), after, Math.min(count, below - 1 - after));
      return events.map((one) => changeView(one.version, settingsStream.eventOf(one))).toReversed();
    },
    listen: (listener) => {
      listeners.push(listener);
      if (version > 0) listener(live);
    },
  };
}

/** Settings that are never set and never change. */
export const NO_SETTINGS_STORE: Pick<Settings, "now" | "listen"> = { now: () => NO_SETTINGS, listen: () => {} };

/** The settings that runners receive. */
export function runnerSettings(now: LiveSettings): RunnerSettings {
  const [poll, drain] = [now["runners.pollSeconds"], now["runners.drainSeconds"]];
  const logLevel = now["log.taskRunner"];
  return {
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(poll === undefined ? {} : { pollMs: poll * 1_000 }),
    ...(drain === undefined ? {} : { drainMs: drain * 1_000 }),
  };
}

/** The configuration with the current settings applied: `cancelGraceMs` is looked up at every read. */
export function effectiveConfig(
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

function settingViews(live: LiveSettings): SettingView[] {
  return SETTING_KEYS.map((key) => {
    const { title, allowed, unset, processes } = SETTINGS[key];
    return { key, title, value: valueNow(live, key), allowed, unset, processes: [...processes] };
  });
}

function valueNow(live: LiveSettings, key: (typeof SETTING_KEYS)[number]): SettingView["value"] {
  const value = live[key];
  return value === undefined ? null : (structuredClone(value) as SettingView["value"]);
}

function changeView(version: number, { at, by, reason, changes }: ChangeEvent): SettingsChangeView {
  const why = reason === undefined ? {} : { reason };
  const views = structuredClone(changes) as SettingsChangeView["changes"];
  return { version, at: new Date(at).toISOString(), by, ...why, changes: views };
}
