// Discovery: which runner gets a job, or why nobody does. Pure. The answer, either way, is kept in the task's history.

export type RunnerFacts = {
  readonly runner: string;
  readonly session: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly slots: number;
  /** Slots that are free and not promised to an open offer. */
  readonly free: number;
  readonly alive: boolean;
  /** Is a poll open, so that an offer arrives at once? */
  readonly polling: boolean;
  /** Apps whose repository this runner has worked on lately: its mirrors are warm. */
  readonly warm: readonly string[];
  /** ISO time of the last sign of life, for people. */
  readonly lastHeard: string;
};

export type JobWish = { readonly site: string; readonly labels: readonly string[]; readonly app: string | undefined };

export type Choice =
  | { readonly kind: "chosen"; readonly session: string; readonly runner: string; readonly text: string }
  | {
      readonly kind: "waiting";
      readonly code: "no-runner" | "site-offline" | "no-label" | "all-busy";
      readonly text: string;
    };

export function chooseRunner(job: JobWish, runners: readonly RunnerFacts[]): Choice {
  const ofSite = runners.filter((one) => one.site === job.site);
  const waiting = (code: Extract<Choice, { kind: "waiting" }>["code"], text: string): Choice => ({
    kind: "waiting",
    code,
    text,
  });
  if (ofSite.length === 0)
    return waiting("no-runner", `Waiting for a runner at ${job.site}: none has ever registered.`);

  const alive = ofSite.filter((one) => one.alive);
  if (alive.length === 0) {
    const last =
      ofSite
        .map((one) => one.lastHeard)
        .toSorted()
        .at(-1) ?? "";
    return waiting(
      "site-offline",
      `Waiting for site ${job.site}: none of its ${count(ofSite.length, "runner")} has been heard of since ${last}.`,
    );
  }

  const fitting = alive.filter((one) => job.labels.every((label) => one.labels.includes(label)));
  if (fitting.length === 0) {
    const wanted = job.labels.map((label) => `\`${label}\``).join(" and ");
    return waiting(
      "no-label",
      `Waiting for a runner with label ${wanted} at ${job.site}: ${count(alive.length, "runner")}, none has it.`,
    );
  }

  const free = fitting.filter((one) => one.free > 0);
  if (free.length === 0) {
    const slots = fitting.reduce((sum, one) => sum + one.slots, 0);
    return waiting(
      "all-busy",
      `Waiting for a free slot at ${job.site}: all ${slots} of ${count(fitting.length, "fitting runner")} are busy.`,
    );
  }

  const [best] = free.toSorted((a, b) => score(job, b) - score(job, a) || (a.runner < b.runner ? -1 : 1));
  if (!best) throw new Error("a list that is not empty has a first element");
  const why = [best.warm.includes(job.app ?? "") ? "warm" : undefined, `${best.free} of ${best.slots} slots free`]
    .filter(Boolean)
    .join(", ");
  return {
    kind: "chosen",
    session: best.session,
    runner: best.runner,
    text: `${best.runner}, of ${count(free.length, "runner")} that fit: ${why}`,
  };
}

/** A warm mirror is worth more than an idle machine; an open poll breaks ties. */
function score(job: JobWish, one: RunnerFacts): number {
  const warm = job.app !== undefined && one.warm.includes(job.app) ? 2 : 0;
  return warm + one.free / one.slots + (one.polling ? 0.5 : 0);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
