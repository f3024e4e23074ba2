// Watches the work itself: which attempts of a job are at work in which process, and who changes the outside world.

import type { StepContext } from "@gantry/core/step/step.ts";
import type { Process } from "../machine/process.ts";
import type { JobRules } from "../plan/library.ts";
import type { Invariants } from "./invariants.ts";

export type StepObserver = {
  /** A call of a step begins; the answer says that it is over. */
  readonly enter: (process: Process, context: Seen) => () => void;
  /** The change of an effect begins. */
  readonly performs: (process: Process, context: Seen, key: string) => void;
  /** The probe of an effect was answered: is it there? */
  readonly probed: (key: string, isDone: boolean) => void;
  /** A permit was answered. */
  readonly permitted: (key: string, fence: number) => void;
  /** Looks at everything that is at work now. */
  readonly look: () => void;
};

/** What the watch sees of a step. */
type Seen = Pick<StepContext<never>, "task" | "workspace">;
type Work = { readonly process: Process; readonly task: string; readonly job: string; readonly fence: number };

export type StepObserverDeps = {
  readonly invariants: Invariants;
  readonly nowMs: () => number;
  readonly rules: (pipeline: string, job: string) => JobRules;
  /** Clocks are not further apart than the no-overlap condition allows. */
  readonly clocksFit: boolean;
};

/** After a pause nobody can do better than to notice it; this is how long noticing may take. */
const NOTICE_MS = 2_000;

export function createStepObserver({ invariants, nowMs, rules, clocksFit }: StepObserverDeps): StepObserver {
  const works = new Set<Work>();
  const permits = new Set<string>();
  const overlaps = new Set<string>();
  /** Effects that were begun, and whether somebody has asked since how far they came. */
  const begun = new Map<string, boolean>();
  const found = new Set<string>();

  const isExcused = ({ process }: Work): boolean =>
    !process.isAlive() || process.isPaused() || (process.resumedMs() > 0 && nowMs() - process.resumedMs() <= NOTICE_MS);
  const check = (one: Work, other: Work): void => {
    if (one.task !== other.task || one.job !== other.job || one.fence >= other.fence) return;
    if (isExcused(one) || isExcused(other)) return;
    const name = `${one.job} of ${one.task}: fences ${one.fence} and ${other.fence}`;
    if (overlaps.has(name)) return;
    overlaps.add(name);
    invariants.violated("no-overlap", `${name} are at work at the same time`);
  };

  return {
    enter: (process, context) => {
      const { id: task, job, pipeline } = context.task;
      if (rules(pipeline, job).mode !== "strict" || !clocksFit) return () => {};
      const mine = { process, task, job, fence: fenceOf(context) };
      for (const other of works) check(other, mine);
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
          `${key} by fence ${fence} of ${job} of ${task} is begun again, and nobody asked`,
        );
      if (found.has(key))
        invariants.violated("one-mutation", `${key} is begun again by fence ${fence}, and it was found`);
      begun.set(key, false);
      const account = invariants.account(task, job);
      if (account.fence > fence && account.started)
        invariants.violated(
          "no-effect-in-overlap",
          `${key} by fence ${fence} of ${job} of ${task}, ${account.fence} has started`,
        );
    },
    probed: (key, isDone) => {
      if (begun.has(key)) begun.set(key, true);
      if (isDone) found.add(key);
    },
    permitted: (key, fence) => void permits.add(`${key} ${fence}`),
    look: () => {
      for (const work of works) if (!work.process.isAlive()) works.delete(work);
      for (const one of works) for (const other of works) check(one, other);
    },
  };
}

/** Folders of attempts are named by their fences. */
function fenceOf({ workspace }: Seen): number {
  const fence = /\/jobs\/(\d+)-/.exec(workspace)?.[1];
  if (fence === undefined) throw new Error(`no fence in ${workspace}`);
  return Number(fence);
}
