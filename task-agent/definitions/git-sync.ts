// Reads definitions from their git repository. The task-agent may not talk to a git host, so a task at the site `platform`
// does. Any of the agents that share a journal may start it and take what it has found; the streams decide who did.

import { GantryError } from "@gantry/core/errors.ts";
import type { Alarms } from "../alarms.ts";
import { keepDefinition, type LiveDefinitions } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { type StartDeps, startTask } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { unpack } from "./bundle.ts";
import { canServe, type Found, foundBy, isDue, isSame, type SyncConfig } from "./decide-sync.ts";
import { type SyncState, syncStream } from "./sync-stream.ts";

export type GitSync = {
  readonly config: SyncConfig;
  /** As stored; undefined before the first request. */
  readonly state: () => Promise<SyncState | undefined>;
  /**
   * Reads the repository now. Answers a task that is pending and has not begun, or a new one. Rejects when the store fails, and
   * with `conflict`.
   */
  readonly request: (principal: string) => Promise<TaskRecord>;
  /** Starts a task when one is due, and takes what an ended one has found. To be called every second. */
  readonly tick: () => Promise<void>;
  /** Why the newest definitions are not in force, as sentences for operators. */
  readonly problems: () => readonly string[];
};

export type GitSyncDeps = Omit<StartDeps, "definitions"> & {
  readonly config: SyncConfig;
  readonly definitions: LiveDefinitions;
  readonly pipeline: Definition;
  readonly alarms: Alarms;
};

/** Who asks for the tasks that are due. */
const SCHEDULE = "definitions";
const MAX_CONFLICTS = 8;

export function openGitSync(deps: GitSyncDeps): GitSync {
  const { journal, tasks, config } = deps;
  let problems: readonly string[] = [];

  const request = async (principal: string, isWanted = true): Promise<TaskRecord | undefined> => {
    for (let round = 0; round < MAX_CONFLICTS; round += 1) {
      const before = await syncStream.load(journal);
      if (!isWanted && !isDue(config, before?.state, await tasks.now())) return undefined;
      const pending = before && !before.state.result ? await tasks.read(before.state.task) : undefined;
      if (before && pending && canServe(config, before.state, pending.state)) return pending;
      const record = await startSync(deps, principal, before?.version ?? 0);
      const state: SyncState = {
        repository: config.repository,
        task: record.state.id,
        requestedAt: record.state.requestedAt,
        ...(before?.state.refused ? { refused: before.state.refused } : {}),
      };
      const events = [{ kind: "SyncRequested", task: record.state.id, by: principal }];
      const { ok } = await journal.append([syncStream.append("", { expected: before?.version ?? 0, events, state })]);
      if (ok) return record;
    }
    throw new GantryError("conflict", { what: "The definitions" });
  };

  return {
    config,
    state: async () => (await syncStream.load(journal))?.state,
    request: async (principal) => {
      const record = await request(principal);
      if (!record) throw new GantryError("conflict", { what: "The definitions" });
      return record;
    },
    tick: async () => {
      await settle(deps);
      await request(SCHEDULE, false);
      problems = problemsOf((await syncStream.load(journal))?.state);
    },
    problems: () => problems,
  };
}

/** `version`: of the stream. Agents that find it due at the same time start one task. */
async function startSync(deps: GitSyncDeps, principal: string, version: number): Promise<TaskRecord> {
  const { pipeline, definitions, config } = deps;
  await keepDefinition(deps.journal, pipeline);
  const { system = "", project, slug, branch } = config.repository;
  const request = {
    pipeline: pipeline.pipeline.name,
    params: { system, project, slug, branch },
    principal,
    idempotencyKey: `definitions-sync/${version}`,
  };
  return startTask({ ...deps, definitions: { ...definitions, current: () => pipeline } }, request);
}

/** Takes what the pending task has found, if it has ended. Two agents may do it at once: both do the same. */
async function settle(deps: GitSyncDeps): Promise<void> {
  const { journal, tasks, config, alarms } = deps;
  const before = await syncStream.load(journal);
  if (!before || before.state.result) return;
  const { state, version } = before;
  // Of a repository that the configuration named before: another one is due.
  if (!isSame(state.repository, config.repository)) return;
  const record = await tasks.read(state.task);
  if (record && record.state.phase !== "ended") return;
  const found = record ? foundBy(record.state) : { problem: `Task ${state.task} is gone.` };
  const { refused: _, ...rest } = state;
  const after: SyncState =
    "problem" in found
      ? { ...state, result: { state: "failed", problem: found.problem } }
      : { ...rest, ...(await take(deps, state, found)), result: { state: "read" } };
  const events = [{ kind: "SyncSettled", task: state.task }];
  const { ok } = await journal.append([syncStream.append("", { expected: version, events, state: after })]);
  const [problem] = ok ? problemsOf(after) : [];
  if (problem !== undefined)
    alarms.raise("pipelines-refused", { task: state.task, problems: after.refused?.problems ?? [] }, problem);
}

/** Puts the files in force, or answers why not. */
async function take(
  { definitions, tasks }: GitSyncDeps,
  { repository, task }: SyncState,
  { commit, subject, bundle }: Found,
): Promise<Pick<SyncState, "refused">> {
  const files = await unpack(bundle);
  const problems =
    "problem" in files
      ? [{ detail: files.problem }]
      : await definitions.offer(files.files, { kind: "git", repository, commit, subject, task });
  return problems.length === 0 ? {} : { refused: { at: await tasks.now(), commit, problems } };
}

function problemsOf(state: SyncState | undefined): readonly string[] {
  if (state?.result?.state === "failed")
    return ["The repository of definitions could not be read. The last good set stays in force."];
  const [first] = state?.refused?.problems ?? [];
  if (!first || !state?.refused) return [];
  const place = first.file === undefined ? "" : `, the first one in ${first.file}:${first.line ?? 1}`;
  return [
    `The definitions of commit ${state.refused.commit.slice(0, 12)} have mistakes${place}. The last good set stays in force.`,
  ];
}
