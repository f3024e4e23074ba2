// Rollbacks: reads what they depend on, says what one would do, and holds the builds that are taken back.

import { taskTitle } from "@gantry/core/task/messages.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { holdAppend, loadBuild, loadVersion } from "./build-stream.ts";
import { type DecidedRollback, goodNumbers, type RollbackFacts } from "./decide-rollback.ts";

type Reads = Pick<Journal, "load" | "find">;

export async function rollbackFacts(journal: Reads, app: AppState): Promise<RollbackFacts> {
  const found = await Promise.all(
    goodNumbers(app).map(async (number) => [number, await loadBuild(journal, app, number)] as const),
  );
  return { app, builds: new Map(found.flatMap(([number, build]) => (build ? [[number, build] as const] : []))) };
}

/** Commits with the task: the builds that it takes back are not chosen by themselves any more. */
export async function holdsOf(
  journal: Pick<Journal, "load">,
  app: AppState,
  { rollback, holds }: DecidedRollback,
  { task, by, at }: { readonly task: string; readonly by: string; readonly at: number },
): Promise<readonly StreamAppend[]> {
  const reason = rollback.reason ?? `${taskTitle("Roll back", app.name)} took it back.`;
  const loaded = await Promise.all(holds.map((number) => loadVersion(journal, app, number)));
  return loaded.flatMap((one) =>
    one && app.builds ? [holdAppend(app.builds.key, one, { by, at, reason, task }, by, at)] : [],
  );
}
