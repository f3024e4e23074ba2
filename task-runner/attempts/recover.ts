// What a new process of the runner does about the work of the former one: ends what still runs, and tells the task-agent
// what the former one did not get to tell.

import type { RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import type { DiskAttempt } from "../state/disk-state.ts";
import { jobFolders, removeLeftovers } from "../state/workspace.ts";
import type { RunnerContext } from "../steps/job-context.ts";
import { cookieOf } from "../steps/script-env.ts";
import type { Attempt } from "./attempt.ts";
import { deliver, openDelivery } from "./delivery.ts";
import type { Leases } from "./leases.ts";
import { refFields } from "./refs.ts";

/** Ends every process of former attempts and removes their folders, except logs. Before anything new is started. */
export async function endFormerWork(
  disk: DiskJournal,
  data: string,
  { clock, files, programs, logger }: Pick<RunnerDeps, "clock" | "files" | "programs" | "logger">,
): Promise<readonly DiskAttempt[]> {
  const former = [...disk.state.attempts.values()];
  for (const { ref, groups, report } of former) {
    const cookie = cookieOf(jobFolders(data, ref));
    const fields = { ...refFields(ref), groups: groups.size, ended: report?.outcome };
    logger.warn(fields, "a former process of this runner left an attempt behind");
    for (const group of [...groups.values()]) {
      if (await programs.endOldGroup(group, cookie, clock)) disk.note({ k: "group-gone", ref, pgid: group.pgid });
      else logger.error({ ...refFields(ref), pgid: group.pgid }, "a process group survived SIGKILL");
    }
    programs.killByCookie(cookie);
  }
  await removeLeftovers(
    files,
    data,
    former.map(({ ref }) => ref),
  );
  return former;
}

/**
 * Tells what is left to tell of a former attempt: everything when its end was on disk, else only its logs, because the
 * agent gives it away.
 */
export function tellFormer(site: RunnerContext, leases: Leases, former: DiskAttempt): Attempt {
  const { ref, lease, report, logs } = former;
  const { files, logger } = site.deps;
  const delivery = openDelivery(site, ref, former);
  const tell = async (): Promise<void> => {
    const release = report
      ? leases.hold({ ref, lease, mode: "lenient", stop: delivery.stop }, leases.now())
      : (): void => {};
    try {
      for (const { step, file } of logs) await delivery.sendLog(step, file);
      if (report) await deliver(site, ref, delivery, report);
      else await delivery.logsDone();
    } catch (error) {
      logger.info({ ...refFields(ref), err: error }, "the end of a former attempt was not wanted any more");
    } finally {
      release();
    }
    // What was not told now is told by the next process.
    if (delivery.isClosing()) return;
    await files.remove(jobFolders(site.config.data, ref).logs);
    site.disk.note({ k: "closed", ref });
  };
  return {
    ref,
    isHeld: report !== undefined,
    isStarted: () => true,
    isRunnersFault: () => false,
    stop: delivery.stop,
    done: tell(),
  };
}
