// The metrics of retention.

import { Gauge, type Registry } from "prom-client";
import type { RetentionState } from "./retention.ts";

export function measureRetention(registry: Registry, state: () => RetentionState): void {
  const gauge = (name: string, help: string, value: (now: RetentionState) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value(state()));
      },
    });
  };
  gauge("gantry_retention_archived_tasks", "Tasks moved to the archive since the start", (now) => now.archivedTasks);
  gauge(
    "gantry_retention_removed_logs",
    "Tasks whose logs were moved to the archive or removed since the start",
    (now) => now.removedLogs,
  );
  gauge("gantry_retention_failures", "Passes that failed since the start", (now) => now.failures);
  gauge(
    "gantry_retention_last_pass_seconds",
    "Unix time of the last pass that succeeded; 0 before the first",
    (now) => (now.sweptAt ?? 0) / 1_000,
  );
  gauge(
    "gantry_retention_oldest_task_seconds",
    "Unix time at which the oldest task in the journal was requested; 0 when it is not known",
    (now) => (now.oldest ?? 0) / 1_000,
  );
  gauge(
    "gantry_retention_longest_removal_seconds",
    "The longest time that the journal took for one removal since the start",
    (now) => now.longestRemovalMs / 1_000,
  );
  new Gauge({
    name: "gantry_retention_held_back",
    help: "Tasks that were old enough and stayed in the journal at the last pass, by reason",
    labelNames: ["why"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [why, count] of state().kept) this.set({ why }, count);
    },
  });
}
