// Polls git hosts that cannot tell by a webhook. The task-agent may not talk to them, so tasks at the sites look. What is known of
// each repository is kept here; what has changed becomes a delivery, as if a webhook had told it. Agents that share a journal
// share the streams, and those decide who did what: a task is started once, and a change is told once.

import { hash } from "node:crypto";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { differenceOf, type Polled, pushOf, repositoryNamed } from "@gantry/core/poll/polled.ts";
import { MAX_REFS_TEXT, readRefs, refsText, withDifferences } from "@gantry/core/poll/refs.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { ownerOf } from "@gantry/core/webhook/apps.ts";
import { WEBHOOK_HOSTS } from "@gantry/core/webhook/delivery.ts";
import { keepDefinition } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { type StartDeps, startTask } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { statesOf } from "../triggers/trigger-stream.ts";
import type { Deliveries } from "../webhooks/deliveries.ts";
import {
  foundBy,
  isPolledBy,
  LOOK_AT_ONCE,
  newSource,
  nextLook,
  READ_AT_ONCE,
  repositoriesOf,
  settled,
} from "./decide-polling.ts";
import {
  type PollTask,
  polledRepositoryStream,
  pollStream,
  type RepositoryState,
  repositoryId,
  type SourceState,
} from "./poll-stream.ts";
import type { PollingConfig, PollSource } from "./polling-config.ts";

export type Polling = {
  /** To be called every second, one call after the other. Rejects when the store fails. */
  readonly tick: () => Promise<void>;
  /** In the order of the configuration. */
  readonly sources: () => Promise<readonly (SourceState & { readonly config: PollSource })[]>;
};

export type PollingDeps = StartDeps & {
  /** The pipeline poll-git. */
  readonly pipeline: Definition;
  readonly config: PollingConfig;
  readonly deliveries: Pick<Deliveries, "receive">;
};

/** Who asks for the tasks. */
const SCHEDULE = "polling";
/** Of one source in one tick: to take a result, plan and start. */
const MAX_ROUNDS = 5;

/** Whether any source polls the repository of the app. */
export function openIsPolled({ sources }: PollingConfig): (app: AppState) => boolean {
  return (app) => Object.values(sources).some((config) => isPolledBy(config, app));
}

export function openPolling(deps: PollingDeps): Polling {
  const all = Object.entries(deps.config.sources);
  return {
    tick: async () => {
      for (const [source, config] of all)
        for (let round = 0; round < MAX_ROUNDS && (await advance(deps, source, config)); round += 1);
    },
    sources: () =>
      Promise.all(
        all.map(async ([source, config]) => {
          const loaded = await pollStream.load(deps.journal, source);
          return { ...(loaded?.state ?? newSource(source)), config };
        }),
      ),
  };
}

/** One piece of work of a source. On a conflict another agent has done the same. False: there is nothing to do now. */
async function advance(deps: PollingDeps, source: string, config: PollSource): Promise<boolean> {
  const { journal, tasks } = deps;
  const loaded = await pollStream.load(journal, source);
  const state = loaded?.state ?? newSource(source);
  const commit = async (next: SourceState, kind: string): Promise<boolean> => {
    await journal.append([
      pollStream.append(source, { expected: loaded?.version ?? 0, events: [{ kind }], state: next }),
    ]);
    return true;
  };
  const now = await tasks.now();
  const { task } = state;
  if (task?.id !== undefined) {
    const record = await tasks.read(task.id);
    if (record && record.state.phase !== "ended") return false;
    const found = foundBy(record?.state, task.id);
    if (task.read && !("problem" in found)) await keepAll(deps, { source, config }, { ...task, id: task.id }, found);
    return commit(settled(state, found, now), "PollSettled");
  }
  if (task) {
    const started = await start(deps, source, task);
    if ("problem" in started) return commit(settled(state, started, now), "PollRefused");
    return commit({ ...state, task: { ...task, id: started.id } }, "PollStarted");
  }
  const wanted = await nextTask(deps, { source, config }, state, now);
  return wanted ? commit(wanted, "PollPlanned") : false;
}

type Source = { readonly source: string; readonly config: PollSource };

/** The state with the next task; undefined when nothing is due. */
async function nextTask(
  deps: PollingDeps,
  one: Source,
  state: SourceState,
  now: number,
): Promise<SourceState | undefined> {
  const round = state.round + 1;
  if (state.read.length > 0) {
    const { repositories, known } = await knownOf(deps, one, state.read);
    const params = { ...paramsOf(one.config), repositories, read: true, known: JSON.stringify(known) };
    return { ...state, round, task: { round, read: true, repositories, params } };
  }
  const isDue = state.look.length === 0 && state.lookAt <= now;
  const look = isDue ? repositoriesOf(one.config, await statesOf(deps.journal, "apps", appStream)) : state.look;
  const share = Number.parseInt(hash("sha256", `${one.source} ${round}`).slice(0, 8), 16) / 0x1_0000_0000;
  const lookAt = isDue ? nextLook(one.config, now, share) : state.lookAt;
  const failed = isDue ? ofThese(state.failed, look) : state.failed;
  const repositories = look.slice(0, LOOK_AT_ONCE);
  if (repositories.length === 0) return isDue ? { ...state, round, lookAt, failed } : undefined;
  const digests = await Promise.all(repositories.map((name) => withDigest(deps, one, name)));
  const params = { ...paramsOf(one.config), repositories: digests };
  const task = { round, read: false, repositories, params };
  return { ...state, round, lookAt, failed, look: look.slice(LOOK_AT_ONCE), task };
}

function ofThese(failed: SourceState["failed"], names: readonly string[]): SourceState["failed"] {
  return Object.fromEntries(Object.entries(failed).filter(([name]) => names.includes(name)));
}

function paramsOf({ site, system = "", branches, tags }: PollSource): JsonObject {
  return { site, system, branches, tags };
}

async function knownAt({ journal }: PollingDeps, { source, config }: Source, repository: string) {
  const loaded = await polledRepositoryStream.load(journal, repositoryId(source, repository));
  const state = loaded?.state.scope === scopeOf(config) ? loaded.state : undefined;
  return { version: loaded?.version ?? 0, last: loaded?.state.task, state };
}

function scopeOf({ branches, tags }: PollSource): string {
  return JSON.stringify([branches, tags]);
}

async function withDigest(deps: PollingDeps, one: Source, repository: string): Promise<string> {
  const { state } = await knownAt(deps, one, repository);
  return state ? `${repository}=${hash("sha256", state.refs)}` : repository;
}

/** The first of them, as many as fit into the parameters of one task. */
async function knownOf(deps: PollingDeps, one: Source, names: readonly string[]) {
  const known: Record<string, string> = {};
  const repositories: string[] = [];
  let size = 0;
  for (const name of names.slice(0, READ_AT_ONCE)) {
    const { state } = await knownAt(deps, one, name);
    size += state?.refs.length ?? 0;
    if (size > MAX_REFS_TEXT && repositories.length > 0) break;
    repositories.push(name);
    if (state) known[name] = state.refs;
  }
  return { repositories, known };
}

/** A refusal is an answer: it is shown, and what is due next is tried again. */
async function start(
  deps: PollingDeps,
  source: string,
  { round, params }: PollTask,
): Promise<{ readonly id: string } | { readonly problem: string }> {
  const { pipeline, definitions, journal } = deps;
  await keepDefinition(journal, pipeline);
  const request = {
    pipeline: pipeline.pipeline.name,
    params: params as Parameters<typeof startTask>[1]["params"],
    principal: SCHEDULE,
    idempotencyKey: `poll-git/${source}/${round}`,
  };
  try {
    const { state } = await startTask({ ...deps, definitions: { ...definitions, current: () => pipeline } }, request);
    return { id: state.id };
  } catch (error) {
    if (!(error instanceof GantryError) || error.code === "conflict") throw error;
    const { message, why } = explain(error);
    return { problem: `${message} ${why}`.trim() };
  }
}

/** First the delivery, then what is known: after a crash in between, the delivery is a copy. */
async function keepAll(
  deps: PollingDeps,
  one: Source,
  task: PollTask & { readonly id: string },
  { found, provider }: Polled,
): Promise<void> {
  const host = WEBHOOK_HOSTS.find((name) => name === provider);
  for (const { repository, refs, changes } of found) {
    if (!host || !task.repositories.includes(repository)) continue;
    const { version, last, state } = await knownAt(deps, one, repository);
    if (last === task.id) continue;
    const { project, slug } = repositoryNamed(repository);
    const push = pushOf({ project: ownerOf(host, project), slug }, changes);
    if (state && push.changes.length > 0)
      await deps.deliveries.receive({
        ...{ source: one.source, host, headers: {}, body: JSON.stringify(push), isPolled: true },
        keys: [hash("sha256", JSON.stringify(["poll", one.source, task.id, repository]))],
        ...(one.config.system === undefined ? {} : { system: one.config.system }),
      });
    const after = state ? withDifferences(readRefs(state.refs), changes.map(differenceOf)) : readRefs(refs ?? "");
    const next: RepositoryState = { repository, scope: scopeOf(one.config), refs: refsText(after), task: task.id };
    const append = { expected: version, events: [{ kind: "RepositoryPolled", task: task.id }], state: next };
    await deps.journal.append([polledRepositoryStream.append(repositoryId(one.source, repository), append)]);
  }
}
