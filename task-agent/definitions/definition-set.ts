// The set of definitions in force as the rest of the task-agent uses it: what portals are told, and what happens every second.

import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import type { DefinitionsView, FollowedPart, SetPart } from "@gantry/wire/agent/definitions.ts";
import { digestOf } from "../tasks/read-definitions.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { readBuiltIn } from "./built-in-pipelines.ts";
import type { SyncConfig } from "./decide-sync.ts";
import { definitionsView } from "./decide-view.ts";
import type { DefinitionsConfig } from "./definitions-config.ts";
import { type GitSyncDeps, openGitSync } from "./git-sync.ts";
import { type OwnDeps, type OwnPipelines, openOwnPipelines } from "./own-pipelines.ts";

export type DefinitionSet = {
  readonly own: OwnPipelines;
  readonly view: () => Promise<DefinitionsView>;
  /** The files of one folder of the set in force; only their version, if that is `known`. */
  readonly part: (folder: FollowedPart, known: string | undefined) => Promise<SetPart>;
  /** Throws `conflict` when definitions are not read from git. */
  readonly sync: (principal: string) => Promise<TaskRecord>;
  /** Why the newest definitions are not in force, as sentences for operators. */
  readonly problems: () => readonly string[];
  /** To be called one after the other, every second. */
  readonly ticks: readonly (() => Promise<void>)[];
};

/** `folder`: of the pipelines that read repositories. Rejects when their files cannot be read. */
export async function openDefinitionSet(
  deps: Omit<GitSyncDeps, "config" | "pipeline"> & Omit<OwnDeps, "pipeline">,
  config: DefinitionsConfig | undefined,
  folder: string,
): Promise<DefinitionSet> {
  const { definitions } = deps;
  const git =
    config &&
    openGitSync({
      ...deps,
      config: syncConfig(config),
      pipeline: await readBuiltIn(join(folder, "definitions-sync.yaml"), definitions.steps),
    });
  const pipeline = await readBuiltIn(join(folder, "own-pipelines-sync.yaml"), definitions.steps);
  return {
    own: openOwnPipelines({ ...deps, pipeline }),
    view: async () => definitionsView(definitions, git && { config: git.config, state: await git.state() }),
    part: async (folder, known) => {
      const files = definitions.others().filter(({ file }) => file.startsWith(`${folder}/`));
      const version = digestOf(JSON.stringify(files));
      if (version === known) return { version };
      const texts = files.map(async ({ file, digest }) => ({ file, text: await definitions.textOf(digest) }));
      return { version, files: await Promise.all(texts) };
    },
    sync: async (principal) => {
      if (git) return git.request(principal);
      const why = "The configuration of the task-agent names no repository in `definitions`.";
      const todo = "To read them from git, add it: docs/definitions.md.";
      throw new GantryError("conflict", { what: "The definitions", problem: "are not read from git", why, todo });
    },
    problems: () => [...(definitions.problems?.() ?? []), ...(git?.problems() ?? [])],
    ticks: [definitions.tick, ...(git ? [git.tick] : [])],
  };
}

function syncConfig({ every, system, ...rest }: DefinitionsConfig): SyncConfig {
  const repository = { ...(system === undefined ? {} : { system }), ...rest };
  return { repository, everyMs: parseDuration(every) ?? 0 };
}
