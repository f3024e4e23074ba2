// Keeps what is in memory as the store has it: apps that tasks change, and what other agents were told by their runners.

import type { FleetTarget } from "@gantry/core/fleet/fleet-targets.ts";
import type { IndexPage, IndexQuery, Journal } from "@gantry/journal/journal.ts";
import { storeMs } from "../store/store-time.ts";
import { appStream } from "../tasks/task-stream.ts";
import { isHeard } from "./decide-report.ts";
import type { FleetChanges } from "./fleet-changes.ts";
import type { FleetMemory } from "./fleet-memory.ts";
import { observationStream, sourceId, sourceStream, timeKey } from "./fleet-streams.ts";

export type Following = {
  /** Reads everything once; the same promise for all. It is tried again after a failure. */
  readonly loaded: () => Promise<void>;
  readonly tick: () => Promise<void>;
};

type Deps = {
  readonly journal: Pick<Journal, "append" | "feed" | "find" | "load" | "now" | "remove">;
  readonly memory: FleetMemory;
  readonly changes: FleetChanges;
};

const PAGE = 1_000;
/** Agents take the time before they commit, so what was committed late may have an earlier time. */
const OVERLAP_MS = 10_000;
/** The store may not remove what was written within a day, see `Journal.remove`. */
const REMOVE_AFTER_MS = 2 * 86_400_000;
const CLEAN_EVERY_MS = 3_600_000;

export function openFollowing({ journal, memory, changes }: Deps): Following {
  let loading: Promise<void> | undefined;
  /** The last event of the journal that was read. */
  let seq = 0;
  /** When what was changed last in the store was changed, ms. */
  let changedAt = 0;
  let cleanedAt = 0;
  const heard = new Map<string, boolean>();

  const readSources = async (now: number): Promise<boolean> => {
    for await (const item of all(journal, { index: "fleet-sources" })) memory.setSource(sourceStream.stateOf(item));
    let isChanged = false;
    for (const source of memory.sources()) {
      const is = isHeard(source, now);
      isChanged ||= heard.get(sourceId(source)) !== is;
      heard.set(sourceId(source), is);
    }
    return isChanged;
  };
  const readObservations = async (query: Omit<IndexQuery, "limit">): Promise<readonly FleetTarget[]> => {
    const targets: FleetTarget[] = [];
    for await (const item of all(journal, query)) {
      const one = observationStream.stateOf(item);
      changedAt = Math.max(changedAt, one.at);
      const id = item.stream.slice(observationStream.prefix.length);
      if (memory.observation(id)?.at !== one.at) targets.push(...memory.setObservation(one));
    }
    return targets;
  };
  const load = async (): Promise<void> => {
    const last = await journal.append([]);
    if (last.ok) seq = last.seq;
    for await (const item of all(journal, { index: "apps" })) {
      const state = appStream.stateOf(item);
      memory.setApp(state.name, state);
    }
    await readObservations({ index: "observed" });
    await readSources(await storeMs(journal));
  };
  const loaded = (): Promise<void> => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    loaded,
    tick: async () => {
      await loaded();
      const now = await storeMs(journal);
      const names = await changedApps(journal, seq);
      seq = names.seq;
      const ofApps = await readApps({ journal, memory }, names.apps);
      const after = timeKey(Math.max(0, changedAt - OVERLAP_MS));
      const observed = await readObservations({ index: "observed-changes", after });
      const isHeardChanged = await readSources(now);
      changes.add([...(isHeardChanged ? [undefined] : []), ...ofApps, ...observed]);
      if (now - cleanedAt < CLEAN_EVERY_MS) return;
      cleanedAt = now;
      await removeGone(journal, now);
    },
  };
}

/** The apps that have events after `seq`. */
async function changedApps(
  journal: Pick<Journal, "feed">,
  seq: number,
): Promise<{ readonly apps: ReadonlySet<string>; readonly seq: number }> {
  const apps = new Set<string>();
  for (let after = seq; ; ) {
    const events = await journal.feed({ after, limit: PAGE });
    for (const { stream } of events) {
      const name = appStream.idOf(stream);
      if (name !== undefined) apps.add(name);
    }
    after = events.at(-1)?.seq ?? after;
    if (events.length < PAGE) return { apps, seq: after };
  }
}

/** Answers the targets that they had and have. */
async function readApps(
  { journal, memory }: Pick<Deps, "journal" | "memory">,
  names: ReadonlySet<string>,
): Promise<readonly FleetTarget[]> {
  const targets: FleetTarget[] = [];
  for (const name of names) {
    targets.push(...(memory.app(name)?.targets ?? []));
    memory.setApp(name, (await appStream.load(journal, name))?.state);
    targets.push(...(memory.app(name)?.targets ?? []));
  }
  return targets;
}

async function* all(
  journal: Pick<Journal, "find">,
  query: Omit<IndexQuery, "limit">,
): AsyncGenerator<IndexPage["items"][number]> {
  let page = await journal.find({ ...query, limit: PAGE });
  for (;;) {
    yield* page.items;
    if (page.cursor === undefined) return;
    const { after: _, ...rest } = query;
    page = await journal.find({ ...rest, limit: PAGE, cursor: page.cursor });
  }
}

/** Agents that were away for so long read everything anyway. */
async function removeGone(journal: Deps["journal"], now: number): Promise<void> {
  const page = await journal.find({ index: "observed-gone", limit: PAGE });
  const old = page.items.filter((item) => observationStream.stateOf(item).at < now - REMOVE_AFTER_MS);
  if (old.length > 0) await journal.remove(old.map(({ stream }) => ({ stream, expected: 0 })));
}
