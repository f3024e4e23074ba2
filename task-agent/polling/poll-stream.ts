// How far polling has come, as stored. Agents that share a journal share it.

import { hash } from "node:crypto";
import type { JsonObject } from "@gantry/core/json.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

/** A task that looks, or reads what has changed. It is stored before it is started, so that it is started once. */
export type PollTask = {
  readonly round: number;
  readonly read: boolean;
  readonly repositories: readonly string[];
  readonly params: JsonObject;
  /** Absent: it is still to be started. */
  readonly id?: string;
};

export type SourceState = {
  readonly source: string;
  /** Counts the tasks. */
  readonly round: number;
  /** When to look next: store time, ms. */
  readonly lookAt: number;
  /** Repositories that this round has still to look at, and those that have changed and are to be read. */
  readonly look: readonly string[];
  readonly read: readonly string[];
  readonly task?: PollTask;
  /** When a task has last ended, and why it has found nothing. */
  readonly last?: { readonly at: number; readonly task?: string; readonly problem?: string };
  /** Repositories that could not be read when they were last looked at. */
  readonly failed: Readonly<Record<string, string>>;
};

export const pollStream = defineStream<SourceState>({ prefix: "agent/poll/" });

export type RepositoryState = {
  readonly repository: string;
  /** Which branches and tags count. With others, what is known begins anew. */
  readonly scope: string;
  /** Branches and tags with their commits, as text. */
  readonly refs: string;
  /** The task whose findings these are. */
  readonly task: string;
};

export const polledRepositoryStream = defineStream<RepositoryState>({ prefix: "agent/polled-repository/" });

export function repositoryId(source: string, repository: string): string {
  return hash("sha256", JSON.stringify([source, repository]));
}
