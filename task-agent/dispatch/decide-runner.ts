// Discovery: which runner gets a job, or why none does. Pure. Both answers are stored in the task's history.

import { counted } from "@gantry/core/count.ts";

import type { Work } from "@gantry/core/pipeline/work.ts";

export type RunnerFacts = {
  readonly runner: string;
  readonly session: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly slots: number;
  /** The kinds of jobs that it takes. Absent: all; the runner is an older version that does not check what steps act on. */
  readonly runs?: readonly Work[] | undefined;
  /** It takes jobs of pull requests from forks. Absent: not, because it has no sandbox or is older. */
  readonly forks?: true | undefined;
  /** Free slots without an open offer. */
  readonly free: number;
  readonly alive: boolean;
  /** An operator has drained or stopped it: it gets no new jobs. */
  readonly closed?: true | undefined;
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
  /** Default: none, any runner will do. */
  readonly work?: readonly Work[];
  /** The runner must check what steps act on: the definition is the app's own. */
  readonly isOfApp?: boolean;
  /** The runner must keep the limits of pull requests from forks. */
  readonly isOfFork?: boolean;
  readonly app: string | undefined;
  /** Runners that lost an attempt of this job: each of the others is preferred. Default: none. */
  readonly lostBy?: readonly string[];
};

/** Runners that are stored as registered, whether they are signed in or not. */
export type StoredRunners = {
  readonly runners: readonly { readonly runner: string; readonly site: string }[];
  /** ISO time of the agent's start: earlier requests of runners are unknown to it. */
  readonly since: string;
};

export type Choice =
  | { readonly kind: "chosen"; readonly session: string; readonly runner: string; readonly text: string }
  | {
      readonly kind: "waiting";
      readonly code: "no-runner" | "site-offline" | "drained" | "no-label" | "no-work" | "all-busy";
      readonly text: string;
      /** No other job can start at the site either. */
      readonly isSiteFull?: true;
    };

type WaitingCode = Extract<Choice, { kind: "waiting" }>["code"];

/**
 * The best of the runners that are alive and not drained, have all labels and a free slot. If there is none: the first of these conditions
 * that no runner meets. `runners`: those that are signed in. `stored`: only for the reason why none is alive.
 */
export function chooseRunner(job: JobRequirements, runners: readonly RunnerFacts[], stored?: StoredRunners): Choice {
  const ofSite = runners.filter((one) => one.site === job.site);
  const signedIn = ofSite.filter((one) => one.alive);
  if (signedIn.length === 0) return nobodyAlive(job.site, ofSite, stored);

  const alive = signedIn.filter((one) => one.closed !== true);
  if (alive.length === 0) {
    const who = signedIn.length === 1 ? "the only runner there takes" : `the ${signedIn.length} runners there take`;
    const why = "because an operator has drained or stopped";
    const text = `${who} no new jobs, ${why} ${signedIn.length === 1 ? "it" : "them"}.`;
    return waiting("drained", `Waiting for a runner at ${job.site}: ${text}`);
  }

  const fitting = alive.filter((one) => job.labels.every((label) => hasLabel(one, label)));
  if (fitting.length === 0) {
    const wanted = job.labels.map((label) => `\`${label}\``).join(" and ");
    const which = job.labels.length === 1 ? "the label" : "the labels";
    const one = alive.length === 1;
    const text = `${one ? "the only runner there does" : `the ${alive.length} runners there do`} not have ${which}.`;
    return waiting("no-label", `Waiting for a runner with ${which} ${wanted} at ${job.site}: ${text}`);
  }

  const taking = fitting.filter((one) => takes(one, job));
  if (taking.length === 0) return nobodyTakes(job, fitting);

  const free = taking.filter((one) => one.free > 0);
  if (free.length === 0) {
    const slots = taking.reduce((sum, one) => sum + one.slots, 0);
    const all = slots === 1 ? "the only slot" : `all ${slots} slots`;
    const text = `${all} of ${counted(taking.length, "suitable runner")} ${slots === 1 ? "is" : "are"} busy.`;
    const busy = waiting("all-busy", `Waiting for a free slot at ${job.site}: ${text}`);
    return taking.length === alive.length ? { ...busy, isSiteFull: true } : busy;
  }
  return best(job, free);
}

/** `runner:NAME` is a label that this runner has without being told, so that a job can be for one runner. */
function hasLabel({ runner, labels }: RunnerFacts, label: string): boolean {
  return label === `runner:${runner}` || labels.includes(label);
}

function takes(
  { runs, forks }: RunnerFacts,
  { work = [], isOfApp = false, isOfFork = false }: JobRequirements,
): boolean {
  if (isOfFork && forks !== true) return false;
  return runs === undefined ? !isOfApp : work.every((one) => runs.includes(one));
}

function nobodyTakes({ site, work = [], isOfFork = false }: JobRequirements, fitting: readonly RunnerFacts[]): Choice {
  if (isOfFork && !fitting.some(({ forks }) => forks))
    return waiting(
      "no-work",
      `Waiting for a runner at ${site} that takes pull requests from forks: it needs \`isolation: sandbox\`, and this version or a newer one.`,
    );
  const wanted = work.length === 0 ? "jobs of an app's own pipeline" : `${work.join(" and ")} jobs`;
  const others = fitting.map(
    ({ runner, runs }) => `${runner} takes ${runs?.join(" and ") ?? "only the platform's"} jobs`,
  );
  const isMixed = work.length > 1 && fitting.every(({ runs }) => runs !== undefined);
  const advice = isMixed ? " Put scripts and the steps that deploy into two jobs." : "";
  return waiting(
    "no-work",
    `Waiting for a runner for ${wanted} at ${site}: ${others.slice(0, 5).join(", ")}.${advice}`,
  );
}

function nobodyAlive(site: string, ofSite: readonly RunnerFacts[], stored: StoredRunners | undefined): Choice {
  const storedOfSite = stored?.runners.filter((one) => one.site === site) ?? [];
  const names = new Set([...ofSite, ...storedOfSite].map((one) => one.runner));
  if (names.size === 0) return waiting("no-runner", `Waiting for a runner at ${site}: none has ever registered.`);
  const lastHeard = ofSite
    .map((one) => one.lastHeard)
    .toSorted()
    .at(-1);
  const since =
    lastHeard === undefined
      ? `signed in since the task-agent started at ${stored?.since}`
      : `been heard from since ${lastHeard}`;
  const none = names.size === 1 ? "its only runner has not" : `none of its ${names.size} runners has`;
  return waiting("site-offline", `Waiting for site ${site}: ${none} ${since}.`);
}

function waiting(code: WaitingCode, text: string): Extract<Choice, { kind: "waiting" }> {
  return { kind: "waiting", code, text };
}

function best(job: JobRequirements, free: readonly RunnerFacts[]): Choice {
  const [first] = free.toSorted((a, b) => score(job, b) - score(job, a) || (a.runner < b.runner ? -1 : 1));
  if (!first) throw new Error("the list of free runners is empty");
  const isWarm = job.app !== undefined && first.warm.includes(job.app);
  const why = [isWarm ? "it ran this app before" : undefined, `${first.free} of ${first.slots} slots free`]
    .filter(Boolean)
    .join(", ");
  return {
    kind: "chosen",
    session: first.session,
    runner: first.runner,
    text: `${first.runner}, of ${counted(free.length, "suitable runner")}: ${why}`,
  };
}

/**
 * A mirror of the app's repository counts more than idle slots; an open poll breaks ties. A runner that lost the job comes
 * last, even with a mirror: the cause may persist, or the job itself may be the cause.
 */
function score(job: JobRequirements, one: RunnerFacts): number {
  if (job.lostBy?.includes(one.runner)) return one.free / one.slots - 1;
  // Prefers runners for only this kind of work, so that the others stay free for the other kind.
  const special = one.runs?.length === 1 && (job.work ?? []).length > 0 ? 4 : 0;
  const mirror = job.app !== undefined && one.warm.includes(job.app) ? 2 : 0;
  return special + mirror + one.free / one.slots + (one.polling ? 0.5 : 0);
}
