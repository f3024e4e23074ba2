// What a new process of the runner does about the attempts of the previous one: stops what still runs, and reports to the
// task-agent what the previous process did not.

import type { RunnerDeps } from "../ports.ts";
import { endByCookie } from "../processes/process-group.ts";
import type { RunnerContext } from "../runner-context.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import type { DiskAttempt } from "../state/disk-state.ts";
import { jobFolders, removeLeftovers } from "../state/workspace.ts";
import { cookieOf } from "../steps/script-env.ts";
import type { Attempt } from "./attempt.ts";
import { deliver, openDelivery } from "./delivery.ts";
import type { Leases } from "./leases.ts";
import { refFields } from "./refs.ts";

/** Ends every process of previous attempts and removes their folders, except logs. Must run before new work starts. */
export async function stopPreviousWork(
  disk: DiskJournal,
  data: string,
  { clock, files, programs, logger }: Pick<RunnerDeps, "clock" | "files" | "programs" | "logger">,
): Promise<readonly DiskAttempt[]> {
  const previous = [...disk.state.attempts.values()];
  for (const { ref, groups, report } of previous) {
    const cookie = cookieOf(jobFolders(data, ref));
    const fields = { ...refFields(ref), groups: groups.size, ended: report?.outcome };
    logger.warn(fields, "found an attempt of a previous process of this runner");
    for (const group of [...groups.values()]) {
      if (await programs.endOldGroup(group, cookie, clock)) disk.note({ k: "group-gone", ref, pgid: group.pgid });
      else logger.error({ ...refFields(ref), pgid: group.pgid }, "a process group survived SIGKILL");
    }
    await endByCookie(programs, cookie, clock);
  }
  const refs = previous.map(({ ref }) => ref);
  await removeLeftovers({ files, logger }, data, refs);
  return previous;
}

/**
 * Reports the rest of a previous attempt: everything when its result was on disk, else only its logs, because the
 * task-agent gives the job to another runner.
 */
export function reportPreviousAttempt(runner: RunnerContext, leases: Leases, previous: DiskAttempt): Attempt {
  const { ref, lease, report, logs } = previous;
  const { files, logger } = runner.deps;
  const delivery = openDelivery(runner, ref, previous);
  const deliverAll = async (): Promise<void> => {
    const release = report
      ? leases.hold({ ref, lease, mode: "lenient", stop: delivery.stop }, leases.now())
      : (): void => {};
    try {
      for (const { step, file } of logs) await delivery.logs.openComplete(step, file);
      if (report) await deliver(runner, ref, delivery, report);
      else await delivery.logs.done();
    } catch (error) {
      logger.info({ ...refFields(ref), err: error }, "the report of a previous attempt was no longer wanted");
    } finally {
      release();
    }
    // The next process reports what could not be delivered now.
    if (delivery.isClosing()) return;
    await files.remove(jobFolders(runner.config.data, ref).logs);
    runner.disk.note({ k: "closed", ref });
  };
  return {
    ref,
    isHeld: report !== undefined,
    isStarted: () => true,
    isRunnerFailure: () => false,
    stop: delivery.stop,
    done: deliverAll(),
  };
}
