// Takes the reports of runners: read → decide → commit. Only the site of the runner's session and its own Argo CDs count.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { ObserveReply, ObserveRequest } from "@gantry/wire/runner/fleet.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { storeMs } from "../store/store-time.ts";
import { serialize } from "../tasks/serialize.ts";
import { decideObservations, decideSource, isHeard, type Who } from "./decide-report.ts";
import type { FleetChanges } from "./fleet-changes.ts";
import type { FleetMemory } from "./fleet-memory.ts";
import { observationId, observationStream, type Source, sourceId, sourceStream } from "./fleet-streams.ts";

export type ReportDeps = {
  readonly journal: Pick<Journal, "append" | "load" | "now">;
  readonly memory: FleetMemory;
  readonly changes: FleetChanges;
  /** Resolves when what is stored is in memory. */
  readonly loaded: () => Promise<void>;
};

const REPORT_EVERY_MS = 10_000;
const ASK_EVERY_MS = 5_000;
const STAND_BY: ObserveReply = { role: "stand-by", againMs: ASK_EVERY_MS };

/**
 * Answers whether this runner watches that Argo CD, and keeps what it reports if so. Safe to repeat. Throws `forbidden` for an Argo
 * CD that the runner did not name when it registered. Rejects when the store fails.
 */
export function openReports(deps: ReportDeps) {
  const queues = new Map<string, Promise<unknown>>();
  return (request: ObserveRequest, facts: SessionRequest): Promise<ObserveReply> => {
    const { site, runner, systems } = facts;
    const system = systems.find(({ name, kind }) => name === request.system && kind === "argocd");
    if (!system)
      throw new GantryError("forbidden", {
        who: `Runner ${runner}`,
        verb: `report about ${request.system}: it has no such Argo CD`,
      });
    const id = sourceId({ site, system: request.system });
    return serialize(queues, id, async () => {
      await deps.loaded();
      return take(deps, request, { site, runner, url: system.url });
    });
  };
}

async function take(
  { journal, memory, changes }: ReportDeps,
  request: ObserveRequest,
  who: Who,
): Promise<ObserveReply> {
  const now = await storeMs(journal);
  const id = sourceId({ site: who.site, system: request.system });
  const stored = await sourceStream.load(journal, id);
  const source = decideSource(stored?.state, who, request, now);
  if (!source) return STAND_BY;
  const observations = decideObservations(memory.knownOf(source), source, request, now);
  const appends = observations.map((one) => observationStream.append(observationId(one), { expected: 0, state: one }));
  // What was seen may be lost in a power cut: the runner reports it again.
  const done = await journal.append([sourceAppend(id, stored, source, now), ...appends], { survives: "crash" });
  // Another runner has begun to watch at another agent.
  if (!done.ok) return STAND_BY;
  const before = memory.source(id);
  memory.setSource(source);
  const targets = observations.flatMap((one) => memory.setObservation(one));
  const isChanged = !before || isHeard(before, now) !== isHeard(source, now) || before.problem !== source.problem;
  changes.add(isChanged ? [undefined, ...targets] : targets);
  return { role: "watch", againMs: REPORT_EVERY_MS };
}

function sourceAppend(
  id: string,
  stored: { readonly version: number; readonly state: Source } | undefined,
  state: Source,
  at: number,
): StreamAppend {
  const isNew = stored?.state.runner !== state.runner;
  const events = isNew ? [{ kind: "WatcherChanged" as const, runner: state.runner ?? null, at }] : [];
  return sourceStream.append(id, { expected: stored?.version ?? 0, events, state });
}
