// When the repository of definitions was last read, as stored. Agents that share a journal share it.

import type { Problem } from "@gantry/core/errors.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { DefinitionRepository } from "@gantry/wire/agent/definitions.ts";

export type SyncState = {
  readonly repository: DefinitionRepository;
  /** The task that was requested last, when, and what became of it. Store times, ms. */
  readonly task: string;
  readonly requestedAt: number;
  readonly result?: SyncResult;
  /** The last set that was refused; absent after a good one. */
  readonly refused?: { readonly at: number; readonly commit: string; readonly problems: readonly Problem[] };
};

/** `read`: the files were read, and are in force or refused. */
export type SyncResult = { readonly state: "read" } | { readonly state: "failed"; readonly problem: string };

export const syncStream = defineStream<SyncState>({ prefix: "agent/definitions-sync" });
