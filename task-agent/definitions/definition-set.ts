// The set of definitions in force as the rest of the task-agent uses it: what portals are told, and what happens every second.

import { GantryError } from "@gantry/core/errors.ts";
import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import type { DefinitionsView } from "@gantry/wire/agent/definitions.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { SyncConfig } from "./decide-sync.ts";
import { definitionsView } from "./decide-view.ts";
import type { DefinitionsConfig } from "./definitions-config.ts";
import { type GitSyncDeps, openGitSync, readSyncPipeline } from "./git-sync.ts";

export type DefinitionSet = {
  readonly view: () => Promise<DefinitionsView>;
  /** Throws `conflict` when definitions are not read from git. */
  readonly sync: (principal: string) => Promise<TaskRecord>;
  /** Why the newest definitions are not in force, as sentences for operators. */
  readonly problems: () => readonly string[];
  /** To be called one after the other, every second. */
  readonly ticks: readonly (() => Promise<void>)[];
};

/** `syncFile`: the pipeline that reads the repository. Rejects when that file cannot be read. */
export async function openDefinitionSet(
  deps: Omit<GitSyncDeps, "config" | "pipeline">,
  config: DefinitionsConfig | undefined,
  syncFile: string,
): Promise<DefinitionSet> {
  const { definitions } = deps;
  const git =
    config &&
    openGitSync({
      ...deps,
      config: syncConfig(config),
      pipeline: await readSyncPipeline(syncFile, definitions.steps),
    });
  return {
    view: async () => definitionsView(definitions, git && { config: git.config, state: await git.state() }),
    sync: async (principal) => {
      if (git) return git.request(principal);
      const why = "The configuration of the task-agent names no repository in `definitions`.";
      throw new GantryError("conflict", { what: "The definitions", problem: "are not read from git", why });
    },
    problems: () => [...(definitions.problems?.() ?? []), ...(git?.problems() ?? [])],
    ticks: [definitions.tick, ...(git ? [git.tick] : [])],
  };
}

function syncConfig({ every, system, ...rest }: DefinitionsConfig): SyncConfig {
  const repository = { ...(system === undefined ? {} : { system }), ...rest };
  return { repository, everyMs: parseDuration(every) ?? 0 };
}
