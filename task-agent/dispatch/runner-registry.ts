// Every runner that has ever registered: stored, so that a runner is listed while it is offline.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { RunnerView, SiteView } from "@gantry/wire/agent/views.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { Leases } from "../leases/leases.ts";
import { decideRegister, type RunnerState } from "./decide-register.ts";
import type { RunnerFacts, StoredRunners } from "./decide-runner.ts";
import { runnerViews, siteViews } from "./runner-views.ts";
import type { Sessions } from "./sessions.ts";

export type RunnerRegistry = {
  /**
   * Saves what a runner reports about itself when it registers. A name belongs to the site that registered it first: throws
   * `runner-name-taken` for another one. Throws `session-gone` when a newer process has taken over from
   * this one, `conflict` for a registration that arrives after a newer one, and `unauthenticated` when the runner was taken
   * out of service.
   */
  readonly save: (facts: SessionRequest) => Promise<void>;
  /** Takes a runner out of service, or back into it. Resolves with the runner. Throws `not-found`. */
  readonly setRemoved: (runner: string, removed: boolean) => Promise<RunnerState>;
  /** Has the runner registered at another agent after it last registered here? `version` is that of its stream. */
  readonly isNewer: (runner: string, version: number) => boolean;
  /** Reads which runners have ever registered. To be called at the start, and when one has registered at another agent. */
  readonly load: () => Promise<void>;
  /** The runners in service, as loaded and as registered here since. */
  readonly stored: () => StoredRunners;
  readonly runners: () => Promise<RunnerView[]>;
  readonly sites: () => Promise<SiteView[]>;
};

export type RunnerRegistryDeps = {
  readonly journal: Journal;
  readonly sessions: Sessions;
  readonly leases: Leases;
  readonly clock: Clock;
  /** Runners that are signed in at other agents. */
  readonly remoteRunners?: () => readonly RunnerFacts[];
};

const runnerStream = defineStream<RunnerState>({
  prefix: "runner/",
  index: ({ facts }) => ({ runners: [`${facts.site}/${facts.runner}`] }),
});

const MAX_RUNNERS = 1_000;

export function openRunnerRegistry(deps: RunnerRegistryDeps): RunnerRegistry {
  const { journal, clock } = deps;
  /** The version of a runner's stream after its last registration here. */
  const registered = new Map<string, number>();
  /** Runner in service → its site. */
  const sites = new Map<string, string>();
  const since = new Date(clock.nowMs()).toISOString();

  const inService = async (): Promise<RunnerState[]> => {
    const page = await journal.find({ index: "runners", limit: MAX_RUNNERS });
    return page.items.map(runnerStream.stateOf).filter((one) => !one.removed);
  };

  return {
    save: async (facts) => {
      const { version } = await changeRunner(journal, facts.runner, (known) => {
        const state = decideRegister(known, facts, clock.nowMs());
        if (state instanceof GantryError) throw state;
        return { state, event: { kind: "RunnerRegistered", runner: facts.runner, boot: facts.bootId } };
      });
      registered.set(facts.runner, version);
      sites.set(facts.runner, facts.site);
    },
    setRemoved: async (runner, removed) => {
      const { state } = await changeRunner(journal, runner, (known) => {
        if (known?.facts.runner !== runner) throw new GantryError("not-found", { kind: "runner", name: runner });
        if (removed) sites.delete(runner);
        else sites.set(runner, known.facts.site);
        const kind = removed ? "RunnerRemoved" : "RunnerReadmitted";
        return { state: { ...known, removed }, event: { kind, runner } };
      });
      return state;
    },
    isNewer: (runner, version) => version > (registered.get(runner) ?? 0),
    load: async () => {
      for (const { facts } of await inService()) sites.set(facts.runner, facts.site);
    },
    stored: () => ({ runners: [...sites].map(([runner, site]) => ({ runner, site })), since }),
    runners: async () => runnerViews(deps, await inService()),
    sites: async () => siteViews(deps, await inService()),
  };
}

/** Decides again when the same runner was changed in the meantime. Resolves with the runner and the version of its stream. */
async function changeRunner(
  journal: Journal,
  runner: string,
  decide: (known: RunnerState | undefined) => { readonly state: RunnerState; readonly event: JsonObject },
): Promise<{ readonly state: RunnerState; readonly version: number }> {
  const id = runner.replace(/[^A-Za-z0-9_.-]/g, "_");
  for (;;) {
    const loaded = await runnerStream.load(journal, id);
    const expected = loaded?.version ?? 0;
    const { state, event } = decide(loaded?.state);
    // Optional fields that are undefined are not JSON.
    const json = JSON.parse(JSON.stringify(state)) as RunnerState;
    if ((await journal.append([runnerStream.append(id, { expected, events: [event], state: json })])).ok)
      return { state: json, version: expected + 1 };
  }
}
