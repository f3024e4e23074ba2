// The other agents that share the journal. Each writes down every second which runners are signed in at it and which
// leases it has heard of, so that none of them says that a job has no runner, or that a runner is silent, when it is not.

import type { Journal } from "@gantry/journal/journal.ts";
import type { RunnerFacts } from "../dispatch/decide-runner.ts";

export type Peers = {
  /** Runners that are signed in at other agents that are alive. */
  readonly runners: () => readonly RunnerFacts[];
  /** The same, a list for each of these agents. */
  readonly runnersOfEach: () => readonly (readonly RunnerFacts[])[];
  /** When any other agent heard of the holder of this lease for the last time, as far as it is known; store time, ms. */
  readonly heardMs: (lease: string) => number | undefined;
  /** Tells about this agent and reads about the others; to be called every second. Rejects when the journal does. */
  readonly tick: () => Promise<void>;
  /** Takes this agent off the list. */
  readonly leave: () => Promise<void>;
};

export type PeersDeps = {
  readonly name: string;
  readonly journal: Journal;
  /** Runners that are signed in here. */
  readonly runners: () => readonly RunnerFacts[];
  /** Leases that were renewed here, and how long ago, ms. */
  readonly heard: () => ReadonlyMap<string, number>;
  /** The runners of this site at other agents are others now, or have more or less room. */
  readonly onChanged: (site: string) => void;
};

type Word = {
  readonly name: string;
  readonly atMs: number;
  readonly runners: readonly RunnerFacts[];
  readonly heardMs: { readonly [lease: string]: number };
};

/** Who has said nothing for so long is taken for dead. Several times as long as between two words. */
const ALIVE_MS = 5_000;
const MAX_AGENTS = 100;
/** Longer than any silence after which a job is given away. */
const REMEMBER_MS = 3_600_000;

export function openPeers({ name, journal, runners, heard, onChanged }: PeersDeps): Peers {
  let others: readonly Word[] = [];
  let storeMs = 0;
  let sites = new Map<string, string>();
  /** What any of them has ever said: an agent that starts again has heard nobody yet, and must not make others forget. */
  const heardBefore = new Map<string, number>();

  const remember = (): void => {
    for (const { heardMs } of others)
      for (const [lease, at] of Object.entries(heardMs))
        heardBefore.set(lease, Math.max(at, heardBefore.get(lease) ?? 0));
    for (const [lease, at] of heardBefore) if (storeMs - at > REMEMBER_MS) heardBefore.delete(lease);
  };
  const say = async (word: Omit<Word, "name">, index: { readonly agents: readonly string[] }): Promise<void> => {
    const snapshot = JSON.parse(JSON.stringify({ name, ...word }));
    await journal.append([{ stream: `agent/peer/${name}`, expected: 0, events: [], snapshot, index }]);
  };
  const alive = (): readonly Word[] => others.filter((one) => storeMs - one.atMs < ALIVE_MS);

  return {
    runners: () => alive().flatMap((one) => one.runners),
    runnersOfEach: () => alive().map((one) => one.runners),
    heardMs: (lease) => heardBefore.get(lease),
    tick: async () => {
      storeMs = Math.floor((await journal.now()) / 1_000);
      const heardMs = Object.fromEntries([...heard()].map(([lease, ago]) => [lease, storeMs - ago]));
      await say({ atMs: storeMs, runners: runners(), heardMs }, { agents: [name] });
      const page = await journal.find({ index: "agents", limit: MAX_AGENTS });
      others = page.items.map(({ snapshot }) => snapshot as unknown as Word).filter((one) => one.name !== name);
      remember();
      const before = sites;
      sites = bySite(alive());
      for (const site of new Set([...before.keys(), ...sites.keys()]))
        if (before.get(site) !== sites.get(site)) onChanged(site);
    },
    leave: () => say({ atMs: 0, runners: [], heardMs: {} }, { agents: [] }),
  };
}

/** What makes a difference to the jobs of a site, as a text that can be compared. */
function bySite(words: readonly Word[]): Map<string, string> {
  const all = words.flatMap((one) => one.runners);
  const sites = Map.groupBy(all, (one) => one.site);
  const line = ({ runner, labels, free, alive }: RunnerFacts): string =>
    JSON.stringify([runner, labels, free > 0, alive]);
  return new Map([...sites].map(([site, runners]) => [site, runners.map(line).toSorted().join()]));
}
