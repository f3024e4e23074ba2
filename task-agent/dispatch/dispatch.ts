// Brings ready jobs and free runners together. An offer is not ownership: it lives in memory, is repeated on every poll
// until it is claimed, declined or expired, and costs no write. Only the claim is written.

import type { TaskRecord } from "../tasks/task-store.ts";
import { chooseRunner, type RunnerFacts } from "./decide-runner.ts";
import { JobQueue } from "./job-queue.ts";
import { type MatchDeps, matchJobs } from "./match-jobs.ts";
import { type OpenOffer, type ReadyJob, readyJobs } from "./ready-jobs.ts";
import type { Session } from "./sessions.ts";
import { openSitePasses, type SitePasses } from "./site-passes.ts";

export type Dispatch = {
  /** Takes over the ready jobs of a task after a change. `isLocal`: this agent made the change. */
  readonly onTaskChanged: (task: TaskRecord, isLocal?: boolean) => void;
  /** A runner of the site has free slots. */
  readonly onSlotsFree: (site: string) => void;
  /** The session is over: its offers are made to other runners at once. */
  readonly onSessionEnded: (session: Session) => void;
  /** The open offer with this id, when this session holds it. */
  readonly openOffer: (session: Session, offer: string) => OpenOffer | undefined;
  /** The offered job was claimed, here or at another agent: it leaves the queue. */
  readonly settleOffer: (session: Session, offer: string) => void;
  /** The runner is full: the job is offered to another runner first. */
  readonly declineOffer: (session: Session, offer: string) => void;
  /** Takes back the offers that were not claimed in time. */
  readonly expireOffers: () => void;
  /** What blocks sites or jobs may have changed: takes back the offers that are blocked now, and matches all queues again. */
  readonly reevaluate: () => void;
  readonly waitingCount: () => number;
  /** How long the oldest waiting job has waited for a runner; 0 when none waits. */
  readonly longestWaitMs: () => number;
};

export type DispatchDeps = MatchDeps & {
  /** The runners that are signed in at other agents, one list per agent. */
  readonly remoteRunnersByAgent?: () => readonly (readonly RunnerFacts[])[];
};

/** How long a runner that declined is offered nothing, unless it reports in the meantime that it is full. */
const DECLINE_COOLDOWN_MS = 5_000;
/**
 * When the agent that made a job ready has a runner for it, the other agents wait this long before they offer it as well.
 * If all agents offered it at once, all claims but one would fail.
 */
const HEAD_START_MS = 300;

export function openDispatch(deps: DispatchDeps): Dispatch {
  const { clock } = deps;
  const queue = new JobQueue();
  const passes = openSitePasses((site, only) => matchJobs(deps, queue, site, only), deps.onError);
  const withdrawAndRematch = (ready: ReadyJob): void => {
    queue.withdraw(ready);
    passes.runFor(ready);
  };

  return {
    onTaskChanged: (task, isLocal = true) => takeOver(deps, queue, passes, task, isLocal),
    onSlotsFree: (site) => passes.run(site),
    onSessionEnded: (session) => {
      for (const id of [...session.offers.keys()]) {
        const ready = queue.byOffer(id);
        if (ready) withdrawAndRematch(ready);
      }
    },
    openOffer: (session, id) => {
      const offer = queue.byOffer(id)?.offer;
      return offer?.session.id === session.id ? offer.open : undefined;
    },
    settleOffer: (session, id) => {
      session.offers.delete(id);
      const ready = queue.byOffer(id);
      if (ready) queue.remove(ready);
    },
    declineOffer: (session, id) => {
      session.freeSlots = 0;
      session.cooldownUntilMs = clock.monotonicMs() + DECLINE_COOLDOWN_MS;
      clock.after(DECLINE_COOLDOWN_MS + 1, () => passes.run(session.facts.site));
      const ready = queue.byOffer(id);
      session.offers.delete(id);
      if (ready) withdrawAndRematch(ready);
    },
    expireOffers: () => {
      for (const ready of queue.offered()) {
        if (!ready.offer || ready.offer.expiresMs > clock.monotonicMs()) continue;
        // A runner that does not answer counts as full until it asks for work again.
        ready.offer.session.freeSlots = 0;
        withdrawAndRematch(ready);
      }
    },
    reevaluate: () => {
      for (const ready of queue.offered()) {
        // The offer itself is not counted.
        if (deps.pauseOf?.(ready) || deps.siteBlock?.(ready.site, () => queue.offeredAt(ready.site) - 1))
          queue.withdraw(ready);
      }
      for (const site of queue.sites()) passes.run(site);
    },
    waitingCount: () => queue.all().length,
    longestWaitMs: () => {
      const now = clock.monotonicMs();
      return queue.all().reduce((longest, { dueMs }) => Math.max(longest, now - dueMs), 0);
    },
  };
}

/** Queues the ready jobs of the task, and removes those that are not ready any more. */
function takeOver(
  { clock, remoteRunnersByAgent }: DispatchDeps,
  queue: JobQueue,
  passes: SitePasses,
  task: TaskRecord,
  isLocal: boolean,
): void {
  for (const ready of queue.ofTask(task)) if (task.state.jobs[ready.job]?.phase !== "ready") queue.remove(ready);
  for (const ready of readyJobs(task, clock)) {
    if (!isLocal && everyAgentHasRunner(ready, remoteRunnersByAgent?.() ?? [])) ready.dueMs += HEAD_START_MS;
    if (!queue.add(ready)) continue;
    const waitMs = ready.dueMs - clock.monotonicMs();
    if (waitMs > 0) clock.after(waitMs + 1, () => passes.runFor(ready));
    else passes.runFor(ready);
  }
}

/** In this case the agent that made the job ready has a runner for it, whichever agent it is. */
function everyAgentHasRunner(ready: ReadyJob, agents: readonly (readonly RunnerFacts[])[]): boolean {
  return agents.length > 0 && agents.every((runners) => chooseRunner(ready, runners).kind === "chosen");
}
