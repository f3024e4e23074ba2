// Tasks as this agent knows them: the journal, a cache of what was loaded last, and the listeners to changes.

import { hash } from "node:crypto";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { GateFacts } from "@gantry/core/task/gate.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { Definitions } from "./definitions.ts";
import { taskStream } from "./task-stream.ts";

export type TaskRecord = { readonly state: TaskState; readonly version: number; readonly pipeline: Pipeline };

/**
 * Called for every committed change, in the order of commits per task. Must not throw; must not wait. `isLocal`: this
 * agent committed the change. When a change of another agent is found by a read, before its events have arrived, `events`
 * is empty, and those events are not reported later.
 */
export type TaskListener = (after: TaskRecord, events: readonly TaskEvent[], isLocal: boolean) => void;

const MAX_CACHED = 2_000;

export class TaskStore {
  readonly journal: Journal;
  /** Other agents change tasks in the same journal, so a cached record may be old. */
  readonly isShared: boolean;
  readonly #definitions: Pick<Definitions, "pinned" | "environments">;
  readonly #cache = new Map<string, TaskRecord>();
  /** The version of each task that the listeners know; kept only when the journal is shared. */
  readonly #notified = new Map<string, number>();
  /** Tasks with a commit whose outcome is unknown, because the store failed before it answered. */
  readonly #unanswered = new Set<string>();
  readonly #listeners: TaskListener[] = [];

  constructor(journal: Journal, definitions: Pick<Definitions, "pinned" | "environments">, isShared: boolean) {
    this.journal = journal;
    this.isShared = isShared;
    this.#definitions = definitions;
  }

  /** What holds jobs by the policy in force now. */
  gates(): GateFacts {
    return { environments: this.#definitions.environments?.() ?? {}, digest: (text) => hash("sha256", text, "hex") };
  }

  listen(listener: TaskListener): void {
    this.#listeners.push(listener);
  }

  cached(id: string): TaskRecord | undefined {
    return this.#cache.get(id);
  }

  notifiedVersion(id: string): number | undefined {
    return this.#notified.get(id);
  }

  /** Ids of the tasks with a commit whose outcome is unknown. */
  unanswered(): readonly string[] {
    return [...this.#unanswered];
  }

  /** The task was removed from the journal. */
  forget(id: string): void {
    this.#cache.delete(id);
    this.#notified.delete(id);
  }

  /** Reads the task from the journal, bypassing the cache. The listeners are not notified. */
  async load(id: string): Promise<TaskRecord | undefined> {
    const loaded = await taskStream.load(this.journal, id);
    if (!loaded) return undefined;
    const { state, version } = loaded;
    const record = { state, version, pipeline: await this.#definitions.pinned(state.definition) };
    this.#remember(record);
    return record;
  }

  /** Reads the task from a shared journal. What is read may be new: the listeners are notified before it is used. */
  async loadAndNotify(id: string): Promise<TaskRecord | undefined> {
    const record = await this.load(id);
    const known = this.#notified.get(id) ?? (record?.state.phase === "ended" ? record.version : 0);
    if (record && record.version > known) this.notify(record, [], false);
    return record;
  }

  /**
   * The newest record. Where the journal is shared, the listeners are notified of what is new in it: if a change is refused
   * because of another agent's change, this agent must stop offering the jobs which that change took.
   */
  loadLatest(id: string): Promise<TaskRecord | undefined> {
    return this.isShared ? this.loadAndNotify(id) : this.load(id);
  }

  /** Loads a task whose last commit was not answered, and notifies the listeners of its state. */
  async resolveUnanswered(id: string): Promise<void> {
    const record = await this.load(id);
    this.#unanswered.delete(id);
    if (record) this.notify(record, [], true);
  }

  /** False on a conflict. Rejects when the store fails; then it is unknown whether the batch was committed. */
  async commit(batch: readonly StreamAppend[], id: string): Promise<boolean> {
    try {
      return (await this.journal.append(batch)).ok;
    } catch (error) {
      // The next reader loads the task, and `resolveUnanswered` notifies the listeners.
      this.#cache.delete(id);
      this.#unanswered.add(id);
      throw error;
    }
  }

  notify(record: TaskRecord, events: readonly TaskEvent[], isLocal: boolean): void {
    this.#remember(record);
    if (this.isShared) this.#notified.set(record.state.id, record.version);
    for (const listener of this.#listeners) listener(record, events, isLocal);
  }

  #remember(record: TaskRecord): void {
    this.#cache.delete(record.state.id);
    this.#cache.set(record.state.id, record);
    const oldest = this.#cache.keys().next().value;
    if (this.#cache.size > MAX_CACHED && oldest !== undefined) this.forget(oldest);
  }
}
