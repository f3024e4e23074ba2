// Informs runners that a job is canceled.

import { cancelReason } from "@gantry/core/task/decision.ts";
import type { Sessions } from "../dispatch/sessions.ts";
import { canceled } from "../leases/lease-table.ts";
import type { TaskRecord } from "../tasks/task-store.ts";

/** Informs the runners that hold jobs of a canceled task at once, through their open polls. */
export function sendCancels(sessions: Pick<Sessions, "byRunner">, task: TaskRecord, graceMs: number): void {
  for (const job of Object.values(task.state.jobs)) {
    if (!job.lease || !canceled(task.state, job.key)) continue;
    const session = sessions.byRunner(job.lease.runner);
    const ref = { task: task.state.id, job: job.key, attempt: job.attempt, fence: job.fence };
    session?.cancels.set(`${ref.task} ${ref.job}`, { ref, graceMs, reason: cancelReason(task.state, job) });
    session?.wake?.();
  }
}
