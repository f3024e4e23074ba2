// Brings one folder of the set of definitions in force to another process: it asks the task-agent every few seconds.

import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "./agent-client.ts";
import type { FollowedPart, SetPart } from "./definitions.ts";

export type PartFollowerDeps = {
  readonly agent: Pick<AgentClient, "definitionPart">;
  readonly part: FollowedPart;
  /** The version that is in force already. Default: none. */
  readonly known?: string | undefined;
  /** In ms. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, "warn" | "info">;
  /** Called with the files of every other version. When it rejects, it is called again with the same ones. */
  readonly onChange: (files: NonNullable<SetPart["files"]>, version: string) => Promise<void>;
};

export type PartFollower = {
  /** Resolves when the task-agent was asked for the first time, with or without success. */
  readonly asked: Promise<void>;
  readonly stop: () => Promise<void>;
};

/** How long the first question may take: a process does not wait longer for its start. */
const FIRST_MS = 5_000;

/** Runs until it is stopped. While the task-agent is unavailable, what is known stays in force. */
export function followPart(deps: PartFollowerDeps): PartFollower {
  const { agent, part, everyMs, clock, logger, onChange } = deps;
  const stopping = new AbortController();
  let known = deps.known;
  let isFailing = false;

  const ask = async (signal: AbortSignal): Promise<void> => {
    try {
      const { version, files } = await agent.definitionPart(part, known, { signal });
      if (files) await onChange(files, version);
      known = version;
      if (isFailing) logger.info({ part }, "the definitions can be read again");
      isFailing = false;
    } catch (err) {
      if (stopping.signal.aborted) return;
      // Logged once per outage.
      if (!isFailing) logger.warn({ err, part }, "the definitions cannot be read; those known stay in force");
      isFailing = true;
    }
  };
  const asked = ask(AbortSignal.any([stopping.signal, AbortSignal.timeout(FIRST_MS)]));
  const run = async (): Promise<void> => {
    await asked;
    while (!stopping.signal.aborted) {
      await pause(clock, everyMs, stopping.signal);
      if (!stopping.signal.aborted) await ask(stopping.signal);
    }
  };
  const running = run();
  return {
    asked,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
