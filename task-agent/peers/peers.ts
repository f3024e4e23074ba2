// The other agents that share the journal. Every second, each agent publishes which runners are signed in at it and which
// leases were renewed at it. So no agent reports that a job has no runner, or that a runner is silent, when that is wrong.

import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { RunnerFacts } from "../dispatch/decide-runner.ts";

export type Peers = {
  /** Runners that are signed in at other agents that are alive. */
  readonly runners: () => readonly RunnerFacts[];
  /** The same, one list per agent. */
  readonly runnersByAgent: () => readonly (readonly RunnerFacts[])[];
  /** When this lease was last renewed at any other agent, as far as known; store time, ms. */
  readonly lastHeardMs: (lease: string) => number | undefined;
  /** Publishes this agent's state and reads the others'. To be called every second. Rejects when the store fails. */
  readonly tick: () => Promise<void>;
  /** Takes this agent off the list. Rejects when the store fails. */
  readonly leave: () => Promise<void>;
};

export type PeersDeps = {
  readonly name: string;
  readonly journal: Journal;
  /** Runners that are signed in at this agent. */
  readonly runners: () => readonly RunnerFacts[];
  /** Leases that were renewed at this agent, and how long ago, ms. */
  readonly heardAgoMs: () => ReadonlyMap<string, number>;
  /** The runners of this site at other agents have changed, or their free slots have. */
  readonly onChanged: (site: string) => void;
};

/** Times are store times, ms. */
type PeerState = {
  readonly name: string;
  /** When it was published; 0 when the agent has left. */
  readonly atMs: number;
  readonly runners: readonly RunnerFacts[];
  readonly heardMs: { readonly [lease: string]: number };
};

const peerStream = defineStream<PeerState>({
  prefix: "agent/peer/",
  index: ({ name, atMs }) => ({ agents: atMs === 0 ? [] : [name] }),
});

/** An agent that has published nothing for so long counts as dead. Several times the interval of publishing. */
const ALIVE_MS = 5_000;
const MAX_AGENTS = 100;
/** Longer than any silence after which a job is given away. */
const REMEMBER_MS = 3_600_000;

export function openPeers({ name, journal, runners, heardAgoMs, onChanged }: PeersDeps): Peers {
  let others: readonly PeerState[] = [];
  let storeMs = 0;
  let sites = new Map<string, string>();
  /** Outlives the state of a peer: an agent that has just restarted knows of no runner yet. */
  const lastHeard = new Map<string, number>();

  const publish = async (state: Omit<PeerState, "name">): Promise<void> => {
    // Optional fields that are undefined are not JSON.
    const json = JSON.parse(JSON.stringify({ name, ...state })) as PeerState;
    await journal.append([peerStream.append(name, { expected: 0, state: json })]);
  };
  const alive = (): readonly PeerState[] => others.filter((one) => storeMs - one.atMs < ALIVE_MS);

  return {
    runners: () => alive().flatMap((one) => one.runners),
    runnersByAgent: () => alive().map((one) => one.runners),
    lastHeardMs: (lease) => lastHeard.get(lease),
    tick: async () => {
      storeMs = Math.floor((await journal.now()) / 1_000);
      const heardMs = Object.fromEntries([...heardAgoMs()].map(([lease, agoMs]) => [lease, storeMs - agoMs]));
      await publish({ atMs: storeMs, runners: runners(), heardMs });
      const page = await journal.find({ index: "agents", limit: MAX_AGENTS });
      others = page.items.map(peerStream.stateOf).filter((one) => one.name !== name);
      updateLastHeard(lastHeard, others, storeMs);
      const before = sites;
      sites = summaryBySite(alive());
      for (const site of new Set([...before.keys(), ...sites.keys()]))
        if (before.get(site) !== sites.get(site)) onChanged(site);
    },
    leave: () => publish({ atMs: 0, runners: [], heardMs: {} }),
  };
}

function updateLastHeard(lastHeard: Map<string, number>, others: readonly PeerState[], storeMs: number): void {
  for (const { heardMs } of others)
    for (const [lease, at] of Object.entries(heardMs)) lastHeard.set(lease, Math.max(at, lastHeard.get(lease) ?? 0));
  for (const [lease, at] of lastHeard) if (storeMs - at > REMEMBER_MS) lastHeard.delete(lease);
}

/** What matters to the jobs of each site, as text that can be compared. */
function summaryBySite(peers: readonly PeerState[]): Map<string, string> {
  const sites = Map.groupBy(
    peers.flatMap((one) => one.runners),
    (one) => one.site,
  );
  const line = ({ runner, labels, runs, forks, free, alive, closed }: RunnerFacts): string =>
    JSON.stringify([runner, labels, runs ?? null, forks ?? null, free > 0, alive, closed ?? null]);
  return new Map([...sites].map(([site, runners]) => [site, runners.map(line).toSorted().join()]));
}
