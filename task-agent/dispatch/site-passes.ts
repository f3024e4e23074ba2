// Runs the passes over the queues: for each site one after the other.

import type { ReadyJob } from "./ready-jobs.ts";

export type SitePasses = {
  /** A pass over the whole queue of a site. */
  readonly run: (site: string) => void;
  /** A pass over this job only; jobs that are added before that pass starts become part of it. */
  readonly runFor: (ready: ReadyJob) => void;
};

/** `pass` must not run twice at the same time for one site. Its errors are reported, and the next pass runs. */
export function openSitePasses(
  pass: (site: string, only?: readonly ReadyJob[]) => Promise<void>,
  onError: (error: unknown, what: string) => void,
): SitePasses {
  const queues = new Map<string, Promise<void>>();
  /** Jobs by site that the next pass over single jobs is for. */
  const added = new Map<string, ReadyJob[]>();

  const enqueue = (site: string, onlyAdded: boolean): void => {
    const work = async (): Promise<void> => {
      const only = onlyAdded ? added.get(site) : undefined;
      if (only) added.delete(site);
      try {
        await pass(site, only);
      } catch (error) {
        onError(error, "matching jobs and runners");
      }
    };
    queues.set(site, (queues.get(site) ?? Promise.resolve()).then(work));
  };
  return {
    run: (site) => enqueue(site, false),
    runFor: (ready) => {
      const waiting = added.get(ready.site);
      if (waiting) {
        waiting.push(ready);
        return;
      }
      added.set(ready.site, [ready]);
      enqueue(ready.site, true);
    },
  };
}
