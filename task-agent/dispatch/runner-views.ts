// Runners and sites as people see them.

import type { Journal } from "@gantry/journal/journal.ts";
import type { RunnerView, SiteView } from "@gantry/wire/agent/sites/views.ts";
import { iso } from "../api/iso.ts";
import { waitingView } from "../api/view.ts";
import type { Leases } from "../leases/leases.ts";
import { taskStream } from "../tasks/task-stream.ts";
import { askedView } from "./decide-asked.ts";
import type { RunnerState } from "./decide-register.ts";
import type { RunnerFacts } from "./decide-runner.ts";
import type { Sessions } from "./sessions.ts";

type ViewDeps = {
  readonly journal: Pick<Journal, "find">;
  readonly sessions: Pick<Sessions, "byRunner" | "facts" | "lastHeard">;
  readonly leases: Pick<Leases, "ofRunner">;
  readonly remoteRunners?: () => readonly RunnerFacts[];
};
type QueuedJob = SiteView["queue"][number] & { readonly site: string };

const MAX_OPEN_TASKS = 1_000;

export function runnerViews(
  { sessions, leases, remoteRunners }: ViewDeps,
  states: readonly RunnerState[],
  fingerprints: ReadonlyMap<string, string>,
): RunnerView[] {
  return states.map(({ facts, at, asked }) => {
    const session = sessions.byRunner(facts.runner);
    const now = session ? sessions.facts(session) : remoteRunners?.().find((one) => one.runner === facts.runner);
    const held = leases.ofRunner(facts);
    const busy = held.length;
    return {
      name: facts.runner,
      site: facts.site,
      state: now ? (now.alive ? "online" : "silent") : "offline",
      labels: facts.labels,
      ...(facts.runs ? { runs: facts.runs } : {}),
      ...given(fingerprints.get(facts.runner)),
      slots: facts.slots,
      busy,
      running: held.map(({ task, job }) => ({ task, job })),
      version: facts.version,
      host: facts.host,
      lastHeardAt: now?.lastHeard ?? sessions.lastHeard(facts.runner) ?? iso(at),
      ...(asked ? { asked: askedView(asked, { online: now?.alive === true, busy }) } : {}),
    };
  });
}

/** The sites that have a runner or a waiting job, by name. */
export async function siteViews(
  deps: ViewDeps,
  states: readonly RunnerState[],
  fingerprints: ReadonlyMap<string, string>,
): Promise<SiteView[]> {
  const runners = runnerViews(deps, states, fingerprints);
  const queue = await queuedJobs(deps);
  const names = new Set([...runners.map(({ site }) => site), ...queue.map(({ site }) => site)]);
  return [...names].toSorted().map((name) => {
    const ofSite = runners.filter((runner) => runner.site === name);
    const systems = states.filter(({ facts }) => facts.site === name).flatMap(({ facts }) => facts.systems.map(shown));
    return {
      name,
      state: ofSite.some((runner) => runner.state === "online") ? "online" : "offline",
      runners: ofSite,
      systems: [...new Map(systems.map((system) => [system.name, system])).values()],
      queue: queue.filter((one) => one.site === name).map(({ site: _, ...job }) => job),
    };
  });
}

/** Without the lists of what apps may have: they name projects of all teams. */
function shown({
  appsMay: _,
  namespaces: __,
  ...system
}: RunnerState["facts"]["systems"][number]): SiteView["systems"][number] {
  return system;
}

function given(keyFingerprint: string | undefined): { readonly keyFingerprint?: string } {
  return keyFingerprint === undefined ? {} : { keyFingerprint };
}

async function queuedJobs({ journal }: ViewDeps): Promise<QueuedJob[]> {
  const open = await journal.find({ index: "open", limit: MAX_OPEN_TASKS });
  return open.items
    .map(taskStream.stateOf)
    .flatMap((state) =>
      Object.values(state.jobs).flatMap((job) =>
        job.phase === "ready" && job.waiting
          ? [{ site: job.site, task: state.id, job: job.key, waiting: waitingView(job.waiting) }]
          : [],
      ),
    );
}
