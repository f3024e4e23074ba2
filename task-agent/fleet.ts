// Sites and runners as people see them: who is there, who was, and what waits for whom.

import type { TaskState } from "@gantry/core/task/model.ts";
import type { Clock } from "@gantry/journal/clock.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { SessionRequest } from "@gantry/wire/protocol.ts";
import type { RunnerView, SiteView } from "@gantry/wire/views.ts";
import type { Leases } from "./leases.ts";
import type { Sessions } from "./sessions.ts";
import { waitingView } from "./view.ts";

export type Fleet = {
  /** Keeps what a runner tells of itself, so that it is listed while it is away. */
  readonly keep: (facts: SessionRequest) => Promise<void>;
  readonly runners: () => Promise<RunnerView[]>;
  readonly sites: () => Promise<SiteView[]>;
};

type Kept = { readonly facts: Omit<SessionRequest, "running">; readonly at: number };

export function openFleet(deps: { journal: Journal; sessions: Sessions; leases: Leases; clock: Clock }): Fleet {
  const kept = async (): Promise<Kept[]> => {
    const page = await deps.journal.find({ index: "runners", limit: 1_000 });
    return page.items.map((item) => item.snapshot as unknown as Kept);
  };

  const runners = async (): Promise<RunnerView[]> =>
    (await kept()).map(({ facts, at }) => {
      const session = deps.sessions.byRunner(facts.runner);
      const now = session ? deps.sessions.facts(session) : undefined;
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
      const stream = `runner/${facts.runner.replace(/[^A-Za-z0-9_.-]/g, "_")}`;
      const { running: _, ...lasting } = facts;
      const snapshot = JSON.parse(JSON.stringify({ facts: lasting, at: deps.clock.nowMs() }));
      const loaded = await deps.journal.load(stream);
      // A conflict means that the same runner has just registered once more: its newer word stands.
      await deps.journal.append([
        {
          stream,
          expected: loaded?.version ?? 0,
          events: [{ kind: "RunnerRegistered", runner: facts.runner, boot: facts.bootId }],
          snapshot,
          index: { runners: [`${facts.site}/${facts.runner}`] },
        },
      ]);
    },
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
