// Every runner that has ever registered: stored, so that a runner is listed while it is offline.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { RunnerView, SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { keyFingerprint } from "../identity/identities.ts";
import type { Leases } from "../leases/leases.ts";
import { type AskedFor, decideAsk } from "./decide-asked.ts";
import { decideHandOver, decideRegister, type RunnerState } from "./decide-register.ts";
import type { RunnerFacts, StoredRunners } from "./decide-runner.ts";
import { openRunnerNames } from "./runner-names.ts";
import { runnerViews, siteViews } from "./runner-views.ts";
import type { Sessions } from "./sessions.ts";

export type RunnerRegistry = {
  /**
   * Saves what a runner reports about itself when it registers. A name belongs to the site that registered it first: throws
   * `runner-name-taken` for another one, and `limit-reached` for one more than a site may have. Throws `session-gone` when a newer process has taken over from
   * this one, `conflict` for a registration that arrives after a newer one, and `unauthenticated` when the runner was taken
   * out of service. Resolves with what is stored.
   */
  readonly save: (facts: SessionRequest) => Promise<RunnerState>;
  /** Takes a runner out of service, or back into it. Resolves with the runner. Throws `not-found`. */
  readonly setRemoved: (runner: string, removed: boolean) => Promise<RunnerState>;
  /** An operator asks this of a runner, or that it works as usual. Resolves with the runner. Throws `not-found`, `conflict`, `runner-cannot`. */
  readonly ask: (runner: string, asked: AskedFor) => Promise<RunnerState>;
  /** The name of a runner belongs to this site from now on, whichever site registered it before. */
  readonly handOver: (runner: string, site: string) => Promise<void>;
  /** What is stored about a runner; undefined when none of this name has registered. */
  readonly find: (runner: string) => Promise<RunnerState | undefined>;
  /** Has the runner registered at another agent after it last registered here? `version` is that of its stream. */
  readonly isNewer: (runner: string, version: number) => boolean;
  /** Reads which runners have ever registered. To be called at the start, and when one has registered at another agent. */
  readonly load: () => Promise<void>;
  /** The runners in service, as loaded and as registered here since. */
  readonly stored: () => StoredRunners;
  readonly runners: () => Promise<RunnerView[]>;
  readonly sites: () => Promise<SiteView[]>;
  /** The systems of a site, as each of its runners in service has reported them. Only for these sites. Default: all. */
  readonly systems: (sites?: readonly string[]) => Promise<(site: string) => SessionRequest["systems"]>;
  /** The names of the secrets of a site: undefined where none of its runners is in service, or one does not report them. */
  readonly secrets: () => Promise<(site: string) => readonly string[] | undefined>;
};

export type RunnerRegistryDeps = {
  readonly journal: Journal;
  readonly sessions: Sessions;
  readonly leases: Leases;
  readonly clock: Clock;
  /** Runners that are signed in at other agents. */
  readonly remoteRunners?: () => readonly RunnerFacts[];
  /** How many names the runners of one site may use. */
  readonly runnersPerSite: number;
};

const runnerStream = defineStream<RunnerState>({
  prefix: "runner/",
  index: ({ facts }) => ({ runners: [`${facts.site}/${facts.runner}`] }),
});

const PAGE = 200;

export function openRunnerRegistry(deps: RunnerRegistryDeps): RunnerRegistry {
  const { journal, clock } = deps;
  /** The version of a runner's stream after its last registration here. */
  const registered = new Map<string, number>();
  /** Runner in service → its site. */
  const sites = new Map<string, string>();
  const since = new Date(clock.nowMs()).toISOString();

  const names = openRunnerNames(clock, deps.runnersPerSite, async (site) => {
    const found = await runnersInService(journal, `${site}/`);
    return found.filter(({ facts }) => facts.site === site).length;
  });
  const register = async (facts: SessionRequest): Promise<RunnerState> => {
    const { state: saved, version } = await changeRunner(journal, facts.runner, (known) => {
      const state = decideRegister(known, facts, clock.nowMs());
      if (state instanceof GantryError) throw state;
      return { state, event: { kind: "RunnerRegistered", runner: facts.runner, boot: facts.bootId } };
    });
    registered.set(facts.runner, version);
    sites.set(facts.runner, facts.site);
    return saved;
  };

  return {
    save: async (facts) => {
      const isKnown = (await runnerStream.load(journal, streamOf(facts.runner))) !== undefined;
      return isKnown ? register(facts) : names.add(facts.site, () => register(facts));
    },
    setRemoved: async (runner, removed) => {
      const { state } = await changeRunner(journal, runner, (known) => {
        if (known?.facts.runner !== runner) throw new GantryError("not-found", { kind: "runner", name: runner });
        const kind = removed ? "RunnerRemoved" : "RunnerReadmitted";
        return { state: { ...known, removed }, event: { kind, runner } };
      });
      if (removed) sites.delete(runner);
      else sites.set(runner, state.facts.site);
      return state;
    },
    ask: (runner, asked) => askRunner(deps, runner, asked),
    handOver: async (runner, site) => {
      const known = (await runnerStream.load(journal, streamOf(runner)))?.state;
      if (!known || known.facts.site === site || known.facts.runner !== runner) return;
      await changeRunner(journal, runner, (now = known) => ({
        state: decideHandOver(now, site),
        event: { kind: "RunnerHandedOver", runner, site },
      }));
    },
    find: async (runner) => (await runnerStream.load(journal, streamOf(runner)))?.state,
    isNewer: (runner, version) => version > (registered.get(runner) ?? 0),
    load: async () => {
      const found = await runnersInService(journal);
      sites.clear();
      for (const { facts } of found) sites.set(facts.runner, facts.site);
    },
    stored: () => ({ runners: [...sites].map(([runner, site]) => ({ runner, site })), since }),
    runners: async () => {
      const found = await runnersInService(journal);
      return runnerViews(deps, found, await fingerprintsOf(journal, found));
    },
    sites: async () => {
      const found = await runnersInService(journal);
      return siteViews(deps, found, await fingerprintsOf(journal, found));
    },
    systems: async (of) => {
      const found = of
        ? (await Promise.all(of.map((site) => runnersInService(journal, `${site}/`)))).flat()
        : await runnersInService(journal);
      return (site) => found.flatMap(({ facts }) => (facts.site === site ? facts.systems : []));
    },
    secrets: async () => {
      const found = await runnersInService(journal);
      return (site) => {
        const lists = found.filter(({ facts }) => facts.site === site).map(({ facts }) => facts.secrets);
        return lists.length === 0 || lists.includes(undefined) ? undefined : [...new Set(lists.flatMap(given))];
      };
    },
  };
}

async function askRunner(
  { journal, clock }: Pick<RunnerRegistryDeps, "journal" | "clock">,
  runner: string,
  asked: AskedFor,
): Promise<RunnerState> {
  const { state } = await changeRunner(journal, runner, (known) => {
    if (known?.facts.runner !== runner) throw new GantryError("not-found", { kind: "runner", name: runner });
    const next = decideAsk(known, asked, clock.nowMs());
    if (next instanceof GantryError) throw next;
    return { state: next, event: { kind: "RunnerAsked", runner, ...asked } };
  });
  return state;
}

/** `prefix`: only those whose `site/name` begins with it. */
async function runnersInService(journal: Pick<Journal, "find">, prefix = ""): Promise<RunnerState[]> {
  const found: RunnerState[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await journal.find({
      index: "runners",
      prefix,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...page.items.map(runnerStream.stateOf).filter((one) => !one.removed));
    cursor = page.cursor;
    if (cursor === undefined) return found;
  }
}

function given(list: readonly string[] | undefined): readonly string[] {
  return list ?? [];
}

async function fingerprintsOf(
  journal: Pick<Journal, "load">,
  states: readonly RunnerState[],
): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    states.map(async ({ facts }) => [facts.runner, await keyFingerprint(journal, facts.runner)] as const),
  );
  return new Map(found.filter((one): one is [string, string] => one[1] !== undefined));
}

/** The name of a runner in the names of streams. */
export function streamOf(runner: string): string {
  return runner.replace(/[^A-Za-z0-9_.-]/g, "_");
}

/** Decides again when the same runner was changed in the meantime. Resolves with the runner and the version of its stream. */
async function changeRunner(
  journal: Journal,
  runner: string,
  decide: (known: RunnerState | undefined) => { readonly state: RunnerState; readonly event: JsonObject },
): Promise<{ readonly state: RunnerState; readonly version: number }> {
  const id = streamOf(runner);
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
