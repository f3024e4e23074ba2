// One pass over ready jobs of a site: each is offered to a runner, or gets the reason why it waits.

import type { PausedBy } from "@gantry/core/pause/pause.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Offer } from "@gantry/wire/runner/protocol.ts";
import type { Fences } from "../leases/fences.ts";
import type { PauseBlock } from "../pauses/pauses.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { chooseRunner, type RunnerFacts, type StoredRunners } from "./decide-runner.ts";
import type { SiteBlock } from "./decide-site-block.ts";
import type { JobQueue } from "./job-queue.ts";
import type { ReadyJob } from "./ready-jobs.ts";
import type { Session, Sessions } from "./sessions.ts";
import { WaitingReasons } from "./waiting-reasons.ts";

export type MatchDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly fences: Pick<Fences, "next" | "prove">;
  readonly clock: Clock;
  readonly newId: () => string;
  /** How long an offer may be claimed. */
  readonly offerMs: number;
  /** Runners that are signed in at other agents, which offer them jobs themselves. */
  readonly remoteRunners?: () => readonly RunnerFacts[];
  /** Runners that have registered at any time. */
  readonly storedRunners?: () => StoredRunners;
  /** Why no job may start at a site while this many are offered there. Default: any job may start. */
  readonly siteBlock?: (site: string, offered: () => number) => SiteBlock | undefined;
  /** Why a job may not start although a runner is free: people have paused what it belongs to. Default: any job may start. */
  readonly pauseOf?: (job: PausedBy) => PauseBlock | undefined;
  /** A sentence about runners of a site that cannot sign in because of their version. */
  readonly incompatibleAt?: (site: string) => string | undefined;
  readonly onError: (error: unknown, what: string) => void;
};

const NO_LIVE_RUNNER: ReadonlySet<string> = new Set(["no-runner", "site-offline"]);

/**
 * By priority and age. `only`: just these jobs; absent, all queued jobs of the site. Stops early when no later job of the site can
 * start either. Passes for one site must not run at the same time, or two jobs would be promised the same slot.
 */
export async function matchJobs(
  deps: MatchDeps,
  queue: JobQueue,
  site: string,
  only?: readonly ReadyJob[],
): Promise<void> {
  const reasons = new WaitingReasons(deps.tasks, deps.onError);
  for (const ready of only ?? queue.atSite(site)) {
    if (ready.offer || ready.dueMs > deps.clock.monotonicMs()) continue;
    const isWholeQueue = only === undefined;
    if ((await matchJob(deps, queue, ready, reasons)) === "no-later-job" && isWholeQueue) break;
  }
  await reasons.flush();
}

/** `no-later-job`: what this job waits for keeps every later job of the site waiting as well. */
async function matchJob(
  deps: MatchDeps,
  queue: JobQueue,
  ready: ReadyJob,
  reasons: WaitingReasons,
): Promise<"next" | "no-later-job"> {
  const { site } = ready;
  const paused = deps.pauseOf?.(ready);
  if (paused) {
    await reasons.add(ready, paused);
    return "next";
  }
  const block = deps.siteBlock?.(site, () => queue.offeredAt(site));
  if (block) {
    await reasons.add(ready, block);
    return block.code === "site-limit" ? "no-later-job" : "next";
  }
  const local: RunnerFacts[] = deps.sessions.all().map(deps.sessions.facts);
  const stored = deps.storedRunners?.();
  const localChoice = chooseRunner(ready, local, stored);
  const remote = localChoice.kind === "waiting" ? (deps.remoteRunners?.() ?? []) : [];
  const choice = remote.length === 0 ? localChoice : chooseRunner(ready, [...local, ...remote], stored);
  if (choice.kind === "waiting") {
    const { code, text } = choice;
    const incompatible = NO_LIVE_RUNNER.has(code) ? deps.incompatibleAt?.(site) : undefined;
    await reasons.add(ready, { code, text: incompatible === undefined ? text : `${text} ${incompatible}` });
    return choice.isSiteFull ? "no-later-job" : "next";
  }
  // A runner of another agent has no session here: that agent makes the offer.
  const session = deps.sessions.bySession(choice.session);
  if (session) await makeOffer(deps, queue, ready, session, choice.text);
  return "next";
}

async function makeOffer(
  deps: MatchDeps,
  queue: JobQueue,
  ready: ReadyJob,
  session: Session,
  choice: string,
): Promise<void> {
  const fence = await deps.fences.next(ready.lastFence);
  const given = { task: ready.task, job: ready.job, attempt: ready.attempt + 1, fence };
  const ref = { ...given, proof: deps.fences.prove(given, session.facts) };
  // The job may have been offered or removed while the fence was awaited.
  if (ready.offer || !queue.has(ready)) return;
  const made: Offer = { offer: deps.newId(), ref, ttlMs: deps.offerMs };
  const expiresMs = deps.clock.monotonicMs() + deps.offerMs;
  queue.offer(ready, session, made, { expiresMs, open: { job: ready, ref, choice } });
  session.wake?.();
}
