// Discovery: which runner gets a job, or why none does. Pure. Both answers are stored in the task's history.

export type RunnerFacts = {
  readonly runner: string;
  readonly session: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly slots: number;
  /** Free slots without an open offer. */
  readonly free: number;
  readonly alive: boolean;
  /** A poll is open, so an offer arrives at once. */
  readonly polling: boolean;
  /** Apps whose repositories this runner has mirrored. */
  readonly warm: readonly string[];
  /** ISO time of the last request, for people. */
  readonly lastHeard: string;
};

/** What a job needs of a runner. */
export type JobRequirements = {
  readonly site: string;
  readonly labels: readonly string[];
  readonly app: string | undefined;
};

export type Choice =
  | { readonly kind: "chosen"; readonly session: string; readonly runner: string; readonly text: string }
  | {
      readonly kind: "waiting";
      readonly code: "no-runner" | "site-offline" | "no-label" | "all-busy";
      readonly text: string;
    };

type WaitingCode = Extract<Choice, { kind: "waiting" }>["code"];

/** The best of the runners that are alive, have all labels and a free slot; or the first of these conditions that none meets. */
export function chooseRunner(job: JobRequirements, runners: readonly RunnerFacts[]): Choice {
  const ofSite = runners.filter((one) => one.site === job.site);
  if (ofSite.length === 0)
    return waiting("no-runner", `Waiting for a runner at ${job.site}: none has ever registered.`);

  const alive = ofSite.filter((one) => one.alive);
  if (alive.length === 0) {
    const times = ofSite.map((one) => one.lastHeard).toSorted();
    const text = `none of its ${count(ofSite.length, "runner")} has been heard of since ${times.at(-1)}.`;
    return waiting("site-offline", `Waiting for site ${job.site}: ${text}`);
  }

  const fitting = alive.filter((one) => job.labels.every((label) => one.labels.includes(label)));
  if (fitting.length === 0) {
    const wanted = job.labels.map((label) => `\`${label}\``).join(" and ");
    const text = `${count(alive.length, "runner")}, none has it.`;
    return waiting("no-label", `Waiting for a runner with label ${wanted} at ${job.site}: ${text}`);
  }

  const free = fitting.filter((one) => one.free > 0);
  if (free.length === 0) {
    const slots = fitting.reduce((sum, one) => sum + one.slots, 0);
    const text = `all ${slots} of ${count(fitting.length, "fitting runner")} are busy.`;
    return waiting("all-busy", `Waiting for a free slot at ${job.site}: ${text}`);
  }
  return best(job, free);
}

function waiting(code: WaitingCode, text: string): Choice {
  return { kind: "waiting", code, text };
}

function best(job: JobRequirements, free: readonly RunnerFacts[]): Choice {
  const [first] = free.toSorted((a, b) => score(job, b) - score(job, a) || (a.runner < b.runner ? -1 : 1));
  if (!first) throw new Error("the list of free runners is empty");
  const why = [first.warm.includes(job.app ?? "") ? "warm" : undefined, `${first.free} of ${first.slots} slots free`]
    .filter(Boolean)
    .join(", ");
  return {
    kind: "chosen",
    session: first.session,
    runner: first.runner,
    text: `${first.runner}, of ${count(free.length, "runner")} that fit: ${why}`,
  };
}

/** A mirror of the app's repository counts more than idle slots; an open poll breaks ties. */
function score(job: JobRequirements, one: RunnerFacts): number {
  const mirror = job.app !== undefined && one.warm.includes(job.app) ? 2 : 0;
  return mirror + one.free / one.slots + (one.polling ? 0.5 : 0);
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
