// The rules in force: those of the configuration, or those of the folder `rules` of the definitions, which are followed.

import { type CompiledRule, compileRules, defaultRules } from "@gantry/core/notify/compile-rules.ts";
import { readRules } from "@gantry/core/notify/read-rules.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import { followPart } from "@gantry/wire/agent/part-follower.ts";

export type Rules = {
  readonly now: () => readonly CompiledRule[];
  /** Resolves when there are rules: before, events would be lost. Never, if it is stopped before. */
  readonly ready: Promise<void>;
  /** Why the newest rules are not in force, as sentences for operators. */
  readonly problems: () => readonly string[];
  readonly stop: () => Promise<void>;
};

export function fixedRules(rules: readonly CompiledRule[]): Rules {
  return { now: () => rules, ready: Promise.resolve(), problems: () => [], stop: async () => {} };
}

export type FollowedRules = {
  readonly agent: Pick<AgentClient, "definitionPart">;
  /** The names of all channels. */
  readonly channels: readonly string[];
  /** How often the task-agent is asked, in ms. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Without a file in the folder, the default rules are in force. A mistake leaves the last valid rules in force. */
export function followRules({ agent, channels, everyMs, clock, logger }: FollowedRules): Rules {
  const ready = Promise.withResolvers<void>();
  let rules: readonly CompiledRule[] = [];
  let problem: string | undefined = "The rules have not been read from the task-agent yet. Events wait for them.";
  const follower = followPart({
    ...{ agent, part: "rules" as const, everyMs, clock, logger },
    onChange: async (files, version) => {
      const read = files.length === 0 ? compileRules(defaultRules(channels), channels) : readRules(files, channels);
      const mistakes = read.problems.map((one) => `${one.file}:${one.line}: ${one.detail}`);
      if (mistakes.length > 0) {
        problem = `The rules of the definitions do not fit this notify-agent: ${mistakes.join("; ")}. The last valid ones stay in force.`;
        logger.error({ problems: read.problems }, problem);
        return;
      }
      rules = read.rules;
      problem = undefined;
      logger.info({ version, rules: rules.map(({ name }) => name) }, "the rules of the definitions are in force");
      ready.resolve();
    },
  });
  return {
    now: () => rules,
    ready: ready.promise,
    problems: () => (problem === undefined ? [] : [problem]),
    stop: follower.stop,
  };
}
