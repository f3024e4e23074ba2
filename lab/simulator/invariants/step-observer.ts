// Observes running steps: which attempts of a job run in which process, and which of them change the outside system.

import type { StepContext } from "@gantry/core/step/step.ts";
import type { Process } from "../machine/process.ts";
import type { JobRules } from "../plan/library.ts";
import type { Invariants } from "./invariants.ts";

export type StepObserver = {
  /** A call of a step begins. Call the returned function when it has ended. */
  readonly enter: (process: Process, context: ObservedContext) => () => void;
  /** The change of an effect begins. */
  readonly performs: (process: Process, context: ObservedContext, key: string) => void;
  /** The probe of an effect was answered. `isDone`: the change is there. */
  readonly probed: (key: string, isDone: boolean) => void;
  /** A permit was granted. */
  readonly permitted: (key: string, fence: number) => void;
  /** Checks all steps that run now. */
  readonly check: () => void;
};

/** What the observer reads of a step's context. */
type ObservedContext = Pick<StepContext<never>, "task" | "workspace">;
type Work = { readonly process: Process; readonly task: string; readonly job: string; readonly fence: number };

export type StepObserverDeps = {
  readonly invariants: Invariants;
  readonly nowMs: () => number;
  readonly rules: (pipeline: string, job: string) => JobRules;
  /** Clock rates differ by no more than the no-overlap condition allows. */
  readonly clocksFit: boolean;
};

/** A process that was paused needs this long, at most, to notice it. */
const NOTICE_MS = 2_000;

export function createStepObserver({ invariants, nowMs, rules, clocksFit }: StepObserverDeps): StepObserver {
  const works = new Set<Work>();
  const permits = new Set<string>();
  const overlaps = new Set<string>();
  /** Effects that were begun → whether a probe has been answered since. */
  const begun = new Map<string, boolean>();
  const found = new Set<string>();

  const isExcused = ({ process }: Work): boolean =>
    !process.isAlive() || process.isPaused() || (process.resumedMs() > 0 && nowMs() - process.resumedMs() <= NOTICE_MS);
  const checkOverlap = (one: Work, other: Work): void => {
    if (one.task !== other.task || one.job !== other.job || one.fence >= other.fence) return;
    if (isExcused(one) || isExcused(other)) return;
    const name = `${one.job} of ${one.task}: fences ${one.fence} and ${other.fence}`;
    if (overlaps.has(name)) return;
    overlaps.add(name);
    invariants.violated("no-overlap", `${name} run at the same time`);
  };

  return {
    enter: (process, context) => {
      const { id: task, job, pipeline } = context.task;
      if (rules(pipeline, job).mode !== "strict" || !clocksFit) return () => {};
      const mine = { process, task, job, fence: fenceOf(context) };
      for (const other of works) checkOverlap(other, mine);
      works.add(mine);
      return () => void works.delete(mine);
    },
    performs: (process, context, key) => {
      const { id: task, job } = context.task;
      const fence = fenceOf(context);
      if (!permits.has(`${key} ${fence}`))
        invariants.violated("permit-first", `${key} by fence ${fence} of ${job} of ${task}: ${process.name}`);
      if (begun.get(key) === false)
        invariants.violated(
          "probe-first",
          `${key} by fence ${fence} of ${job} of ${task} is begun again without a probe`,
        );
      if (found.has(key))
        invariants.violated("one-mutation", `${key} is begun again by fence ${fence} although the probe found it`);
      begun.set(key, false);
      const account = invariants.account(task, job);
      if (account.fence > fence && account.started)
        invariants.violated(
          "no-effect-in-overlap",
          `${key} by fence ${fence} of ${job} of ${task}, although ${account.fence} has started`,
        );
    },
    probed: (key, isDone) => {
      if (begun.has(key)) begun.set(key, true);
      if (isDone) found.add(key);
    },
    permitted: (key, fence) => void permits.add(`${key} ${fence}`),
    check: () => {
      for (const work of works) if (!work.process.isAlive()) works.delete(work);
      for (const one of works) for (const other of works) checkOverlap(one, other);
    },
  };
}

/** Attempt folders are named after their fences. */
function fenceOf({ workspace }: ObservedContext): number {
  const fence = /\/jobs\/(\d+)-/.exec(workspace)?.[1];
  if (fence === undefined) throw new Error(`no fence in ${workspace}`);
  return Number(fence);
}
