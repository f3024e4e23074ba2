// Brings ready jobs and free runners together. An offer is not ownership: it lives in memory, is repeated on every poll
// until it is claimed, declined or expired, and costs no write. The claim is what is written.

import { decideWaiting } from "@gantry/core/task/decide-task.ts";
import type { JobState } from "@gantry/core/task/model.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { JobRef, Offer } from "@gantry/wire/runner/protocol.ts";
import type { Fences } from "../leases/fences.ts";
import type { TaskRecord, Tasks } from "../tasks/tasks.ts";
import { chooseRunner, type RunnerFacts } from "./decide-runner.ts";
import type { Session, Sessions } from "./sessions.ts";

export type Dispatch = {
  /** Takes over the ready jobs of a task after a change; `mine`: this agent has made it. */
  readonly look: (task: TaskRecord, mine?: boolean) => void;
  /** A runner of the site has room. */
  readonly free: (site: string) => void;
  /** The open offer, when this session holds it. */
  readonly offered: (session: Session, offer: string) => OpenOffer | undefined;
  readonly settled: (session: Session, offer: string) => void;
  /** The runner is full: the job goes to somebody else first. */
  readonly declined: (session: Session, offer: string) => void;
  /** The session is over: what it was offered is offered again at once. */
  readonly gone: (session: Session) => void;
  /** Gives up offers that nobody claimed in time. */
  readonly sweep: () => void;
  /** What the gate says may be otherwise now: offers behind a closed one are taken back, and all queues are looked at. */
  readonly resettle: () => void;
  readonly waitingCount: () => number;
  /** How long the oldest of them has waited for a runner; 0 when none waits. */
  readonly longestWaitMs: () => number;
};

export type OpenOffer = { readonly job: ReadyJob; readonly ref: JobRef; readonly choice: string };

type ReadyJob = {
  readonly id: string;
  readonly task: string;
  readonly job: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly app: string | undefined;
  readonly attempt: number;
  readonly lastFence: number;
  /** When it may be offered, on the monotonic clock: a clock on the wall that is set back delays no retry. */
  dueMs: number;
  offer:
    | { readonly id: string; readonly session: Session; readonly expiresMs: number; readonly open: OpenOffer }
    | undefined;
};

export type DispatchDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly fences: Pick<Fences, "next">;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly offerMs: number;
  /** Runners that are signed in at other agents, which offer them jobs themselves. */
  readonly elsewhere?: () => readonly RunnerFacts[];
  /** The same, by agent. */
  readonly elsewhereEach?: () => readonly (readonly RunnerFacts[])[];
  /** Why nothing may begin at a site, where so many jobs are offered already. Default: everything may. */
  readonly gate?: (site: string, offered: number) => Closed | undefined;
  /** What is known of runners of a site that cannot sign in. */
  readonly unfit?: (site: string) => string | undefined;
  readonly onError: (error: unknown, what: string) => void;
};

export type Closed = { readonly code: "site-paused" | "site-limit"; readonly text: string };

const NOBODY: ReadonlySet<string> = new Set(["no-runner", "site-offline"]);
/** How long a runner that declined is offered nothing, unless it has said meanwhile that it was full. */
const REST_MS = 5_000;
/**
 * Where the agent that made a job ready has a runner for it, the others wait so long before they offer it as well: offered
 * by all at once it would be claimed in vain at all but one.
 */
const HEAD_START_MS = 300;
/** So many are told why they wait in one commit: one each would keep the disk busy for seconds when a thousand wait. */
const TOLD_TOGETHER = 50;

export function openDispatch(deps: DispatchDeps): Dispatch {
  const sites = new Map<string, Map<string, ReadyJob>>();
  const offers = new Map<string, ReadyJob>();
  // One pass per site at a time, or two jobs would be promised the same slot.
  const turns = new Map<string, Promise<void>>();
  /** Jobs by site that the next pass is for. */
  const fresh = new Map<string, ReadyJob[]>();

  const drop = (ready: ReadyJob): void => {
    sites.get(ready.site)?.delete(ready.id);
    withdraw(ready);
  };
  const withdraw = (ready: ReadyJob): void => {
    if (!ready.offer) return;
    offers.delete(ready.offer.id);
    ready.offer.session.offers.delete(ready.offer.id);
    ready.offer = undefined;
  };

  const offer = async (ready: ReadyJob, session: Session, choice: string): Promise<void> => {
    const ref = {
      task: ready.task,
      job: ready.job,
      attempt: ready.attempt + 1,
      fence: await deps.fences.next(ready.lastFence),
    };
    if (ready.offer || sites.get(ready.site)?.get(ready.id) !== ready) return;
    const made: Offer = { offer: deps.newId(), ref, ttlMs: deps.offerMs };
    ready.offer = {
      id: made.offer,
      session,
      expiresMs: deps.clock.monotonicMs() + deps.offerMs,
      open: { job: ready, ref, choice },
    };
    offers.set(made.offer, ready);
    session.offers.set(made.offer, made);
    session.wake?.();
  };

  const explain = async (ready: ReadyJob, code: string, text: string): Promise<void> => {
    try {
      await deps.tasks.change(ready.task, ({ state }, now) =>
        decideWaiting(state, { job: ready.job, code, text }, now),
      );
    } catch (error) {
      // The next in the queue must not wait because of it.
      deps.onError(error, `telling why job ${ready.job} of task ${ready.task} waits`);
    }
  };

  const offeredAt = (site: string): number => [...offers.values()].filter((ready) => ready.site === site).length;

  /** One pass over the queue of a site, oldest first; stops looking for runners when none has room. */
  const match = async (site: string, only?: readonly ReadyJob[]): Promise<void> => {
    const queue = only ?? [...(sites.get(site)?.values() ?? [])];
    const explaining: Promise<void>[] = [];
    const tell = async (ready: ReadyJob, code: string, text: string): Promise<void> => {
      explaining.push(explain(ready, code, text));
      if (explaining.length === TOLD_TOGETHER) await Promise.all(explaining.splice(0));
    };
    await matchEach(site, queue, only === undefined, tell);
    await Promise.all(explaining);
  };

  const matchEach = async (
    site: string,
    queue: readonly ReadyJob[],
    isWhole: boolean,
    tell: typeof explain,
  ): Promise<void> => {
    for (const ready of queue) {
      if (ready.offer || ready.dueMs > deps.clock.monotonicMs()) continue;
      const closed = deps.gate?.(site, offeredAt(site));
      if (closed) {
        await tell(ready, closed.code, closed.text);
        if (isWhole && closed.code === "site-limit") return;
        continue;
      }
      const runners: RunnerFacts[] = deps.sessions.all().map(deps.sessions.facts);
      const here = chooseRunner(ready, runners);
      const others = here.kind === "waiting" ? (deps.elsewhere?.() ?? []) : [];
      const choice = others.length === 0 ? here : chooseRunner(ready, [...runners, ...others]);
      if (choice.kind === "waiting") {
        const unfit = NOBODY.has(choice.code) ? deps.unfit?.(site) : undefined;
        await tell(ready, choice.code, unfit === undefined ? choice.text : `${choice.text} ${unfit}`);
        if (isWhole && choice.code === "all-busy" && ready.labels.length === 0) return;
        continue;
      }
      const session = deps.sessions.bySession(choice.session);
      if (session) await offer(ready, session, choice.text);
    }
  };

  /** Those that come while a pass is waited for are all part of it. */
  const runFor = (ready: ReadyJob): void => {
    const waiting = fresh.get(ready.site);
    if (waiting) {
      waiting.push(ready);
      return;
    }
    fresh.set(ready.site, [ready]);
    run(ready.site, true);
  };

  const run = (site: string, onlyFresh = false): void => {
    const pass = async (): Promise<void> => {
      const only = onlyFresh ? fresh.get(site) : undefined;
      if (only) fresh.delete(site);
      try {
        await match(site, only);
      } catch (error) {
        deps.onError(error, "matching jobs and runners");
      }
    };
    turns.set(site, (turns.get(site) ?? Promise.resolve()).then(pass));
  };

  const later = (ready: ReadyJob): void => {
    deps.clock.after(Math.max(0, ready.dueMs - deps.clock.monotonicMs()) + 1, () => runFor(ready));
  };

  return {
    look: (task, mine = true) => {
      for (const ready of knownOf(sites, task)) if (task.state.jobs[ready.job]?.phase !== "ready") drop(ready);
      for (const ready of readyJobs(task, deps.clock)) {
        if (!mine && haveAll(ready, deps.elsewhereEach?.() ?? [])) ready.dueMs += HEAD_START_MS;
        const queue = sites.get(ready.site) ?? new Map<string, ReadyJob>();
        sites.set(ready.site, queue);
        const known = queue.get(ready.id);
        if (known && known.attempt === ready.attempt) continue;
        if (known) drop(known);
        queue.set(ready.id, ready);
        if (ready.dueMs > deps.clock.monotonicMs()) later(ready);
        else runFor(ready);
      }
    },
    free: (site) => run(site),
    offered: (session, id) => {
      const ready = offers.get(id);
      return ready?.offer?.session.id === session.id ? ready.offer.open : undefined;
    },
    settled: (session, id) => {
      session.offers.delete(id);
      const ready = offers.get(id);
      if (ready) drop(ready);
      offers.delete(id);
    },
    declined: (session, id) => {
      session.free = 0;
      session.restUntilMs = deps.clock.monotonicMs() + REST_MS;
      deps.clock.after(REST_MS + 1, () => run(session.facts.site));
      const ready = offers.get(id);
      session.offers.delete(id);
      if (!ready) return;
      withdraw(ready);
      runFor(ready);
    },
    gone: (session) => {
      for (const id of [...session.offers.keys()]) {
        const ready = offers.get(id);
        if (!ready) continue;
        withdraw(ready);
        runFor(ready);
      }
    },
    sweep: () => {
      for (const ready of [...offers.values()]) {
        if (!ready.offer || ready.offer.expiresMs > deps.clock.monotonicMs()) continue;
        // Who does not answer has no room, until it asks for work again.
        ready.offer.session.free = 0;
        withdraw(ready);
        runFor(ready);
      }
    },
    resettle: () => {
      for (const ready of [...offers.values()]) {
        // An offer counts for itself.
        if (deps.gate?.(ready.site, offeredAt(ready.site) - 1)) withdraw(ready);
      }
      for (const site of sites.keys()) run(site);
    },
    waitingCount: () => [...sites.values()].reduce((sum, queue) => sum + queue.size, 0),
    longestWaitMs: () => {
      const now = deps.clock.monotonicMs();
      const waits = [...sites.values()].flatMap((queue) => [...queue.values()].map(({ dueMs }) => now - dueMs));
      return waits.reduce((longest, wait) => Math.max(longest, wait), 0);
    },
  };
}

/** Whichever of these agents has made the job ready has a runner for it. */
function haveAll(ready: ReadyJob, agents: readonly (readonly RunnerFacts[])[]): boolean {
  return agents.length > 0 && agents.every((runners) => chooseRunner(ready, runners).kind === "chosen");
}

function* knownOf(sites: Map<string, Map<string, ReadyJob>>, task: TaskRecord): Iterable<ReadyJob> {
  for (const job of Object.values(task.state.jobs)) {
    const known = sites.get(job.site)?.get(readyId(task.state.id, job.key));
    if (known) yield known;
  }
}

function readyJobs({ state, pipeline }: TaskRecord, clock: Clock): ReadyJob[] {
  return Object.values(state.jobs)
    .filter((job) => job.phase === "ready")
    .map((job) => ({
      id: readyId(state.id, job.key),
      task: state.id,
      job: job.key,
      site: job.site,
      labels: [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === job.id)?.labels ?? [],
      app: state.app,
      attempt: job.attempt,
      lastFence: job.fence,
      dueMs: clock.monotonicMs() + delayLeft(job, clock.nowMs()),
      offer: undefined,
    }));
}

/** What is left of the delay of a retry; never more than the whole of it, whatever the clock says. */
function delayLeft({ readyAt, notBefore }: JobState, nowMs: number): number {
  if (notBefore === undefined || readyAt === undefined) return 0;
  const whole = Math.max(0, notBefore - readyAt);
  return Math.min(whole, Math.max(0, notBefore - nowMs));
}

function readyId(task: string, job: string): string {
  return `${task} ${job}`;
}
