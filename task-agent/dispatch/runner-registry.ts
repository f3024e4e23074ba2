// Sites and runners as people see them: who is there, who was, and what waits for whom.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { RunnerView, SiteView } from "@gantry/wire/agent/views.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { waitingView } from "../api/view.ts";
import type { Leases } from "../leases/leases.ts";
import { decideRegister, type KeptRunner } from "./decide-register.ts";
import type { RunnerFacts } from "./decide-runner.ts";
import type { Sessions } from "./sessions.ts";

export type RunnerRegistry = {
  /**
   * Keeps what a runner tells of itself, so that it is listed while it is away. Throws `session-gone` when a newer process
   * has taken over from this one, `unauthenticated` when the runner was taken out of service.
   */
  readonly keep: (facts: SessionRequest) => Promise<void>;
  /** Takes a runner out of service, or back into it. Throws `not-found`. */
  readonly setRemoved: (runner: string, removed: boolean) => Promise<void>;
  /** Has the runner registered elsewhere after it last registered here? `version` is that of its stream. */
  readonly isNewer: (runner: string, version: number) => boolean;
  readonly runners: () => Promise<RunnerView[]>;
  readonly sites: () => Promise<SiteView[]>;
};

export type RunnerRegistryDeps = {
  readonly journal: Journal;
  readonly sessions: Sessions;
  readonly leases: Leases;
  readonly clock: Clock;
  /** Runners that are signed in at other agents. */
  readonly elsewhere?: () => readonly RunnerFacts[];
};

export function openRunnerRegistry(deps: RunnerRegistryDeps): RunnerRegistry {
  /** The version of a runner's stream after its last registration here. */
  const registered = new Map<string, number>();

  const kept = async (): Promise<KeptRunner[]> => {
    const page = await deps.journal.find({ index: "runners", limit: 1_000 });
    return page.items.map((item) => item.snapshot as unknown as KeptRunner).filter((one) => !one.removed);
  };

  /** Again, when the same runner was changed meanwhile. */
  const change = async (
    runner: string,
    decide: (known: KeptRunner | undefined) => { readonly kept: KeptRunner; readonly event: JsonObject },
  ): Promise<number> => {
    const stream = runnerStream(runner);
    for (;;) {
      const loaded = await deps.journal.load(stream);
      const expected = loaded?.version ?? 0;
      const { kept, event } = decide(loaded?.snapshot as KeptRunner | undefined);
      const snapshot = JSON.parse(JSON.stringify(kept)) as JsonObject;
      const index = { runners: [`${kept.facts.site}/${kept.facts.runner}`] };
      const append = { stream, expected, events: [event], snapshot, index };
      if ((await deps.journal.append([append])).ok) return expected + 1;
    }
  };

  const runners = async (): Promise<RunnerView[]> =>
    (await kept()).map(({ facts, at }) => {
      const session = deps.sessions.byRunner(facts.runner);
      const now = session
        ? deps.sessions.facts(session)
        : deps.elsewhere?.().find((one) => one.runner === facts.runner);
      return {
        name: facts.runner,
        site: facts.site,
        state: now ? (now.alive ? "online" : "silent") : "offline",
        labels: facts.labels,
        slots: facts.slots,
        busy: deps.leases.of(facts.runner).length,
        version: facts.version,
        host: facts.host,
        lastHeardAt: now?.lastHeard ?? new Date(at).toISOString(),
      };
    });

  return {
    keep: async (facts) => {
      const version = await change(facts.runner, (known) => {
        const kept = decideRegister(known, facts, deps.clock.nowMs());
        if (kept instanceof GantryError) throw kept;
        return { kept, event: { kind: "RunnerRegistered", runner: facts.runner, boot: facts.bootId } };
      });
      registered.set(facts.runner, version);
    },
    setRemoved: async (runner, removed) => {
      await change(runner, (known) => {
        if (!known) throw new GantryError("not-found", { kind: "runner", name: runner });
        const kind = removed ? "RunnerRemoved" : "RunnerReadmitted";
        return { kept: { ...known, removed }, event: { kind, runner } };
      });
    },
    isNewer: (runner, version) => version > (registered.get(runner) ?? 0),
    runners,
    sites: async () => {
      const all = await runners();
      const systems = await kept();
      const open = await deps.journal.find({ index: "open", limit: 1_000 });
      const queue = open.items.flatMap((item) => {
        const state = item.snapshot as unknown as TaskState;
        return Object.values(state.jobs).flatMap((job) =>
          job.phase === "ready" && job.waiting
            ? [{ site: job.site, task: state.id, job: job.key, waiting: waitingView(job.waiting) }]
            : [],
        );
      });
      const names = new Set([...all.map((runner) => runner.site), ...queue.map((one) => one.site)]);
      return [...names].toSorted().map((name) => {
        const ofSite = all.filter((runner) => runner.site === name);
        const known = systems.filter(({ facts }) => facts.site === name).flatMap(({ facts }) => facts.systems);
        return {
          name,
          state: ofSite.some((runner) => runner.state === "online") ? "online" : "offline",
          runners: ofSite,
          systems: [...new Map(known.map((system) => [system.name, system])).values()],
          queue: queue.filter((one) => one.site === name).map(({ site: _, ...one }) => one),
        };
      });
    },
  };
}

function runnerStream(runner: string): string {
  return `runner/${runner.replace(/[^A-Za-z0-9_.-]/g, "_")}`;
}
