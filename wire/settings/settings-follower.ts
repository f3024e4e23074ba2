// Brings settings to the processes other than the task-agent, by long polls to it.

import { GantryError } from "@gantry/core/errors.ts";
import { type LiveSettings, readSettings } from "@gantry/core/settings/settings.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "../agent/agent-client.ts";

export type FollowerDeps = {
  readonly agent: Pick<AgentClient, "settingsNow">;
  readonly logger: Pick<Logger, "debug">;
  /** Called with the settings at first, and after every change. */
  readonly onChange: (now: LiveSettings) => void;
};

const WAIT_MS = 20_000;
const RETRY_MS = 5_000;
/** An older task-agent has no settings; it may be replaced by a newer one. */
const OLDER_MS = 30_000;

/** Runs until it is stopped. While the task-agent is unavailable, the last known settings stay in force. */
export function followSettings({ agent, logger, onChange }: FollowerDeps): { readonly stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    let version = -1;
    while (!signal.aborted) {
      try {
        const now = await agent.settingsNow({ after: version, waitMs: WAIT_MS }, { signal });
        if (now.version !== version) onChange(readSettings(now.values));
        version = now.version;
      } catch (err) {
        if (signal.aborted) return;
        logger.debug({ err }, "the settings could not be read");
        const isOlder = err instanceof GantryError && err.code === "not-found";
        await pause(systemClock, isOlder ? OLDER_MS : RETRY_MS, signal);
      }
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
