// Watches all applications of one Argo CD, for the state of the fleet: first the list, then the stream, and after a while
// the list again, because a stream that was cut without a sign tells nothing.

import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { connect } from "./client.ts";
import { keyOfObject, observedOf } from "./decide-observed.ts";
import { type StreamEvent, streamApplications } from "./stream.ts";

export type Watching = {
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, "after" | "monotonicMs">;
  /** The keys (`namespace/name`) of all applications that there are: the others are gone. */
  readonly onList: (keys: readonly string[]) => void;
  /** As they are now, also those that have not changed; undefined: it was deleted. */
  readonly onSeen: (seen: ReadonlyMap<string, ObservedApplication | undefined>) => void;
  /** Argo CD has answered. */
  readonly onAlive: () => void;
};

/** How often everything is looked at, also while the stream works. */
const LOOK_EVERY_MS = 5 * 60_000;
/** Argo CD sends nothing while nothing changes, so silence may also be a connection that was lost without a sign. */
const QUIET_MS = 60_000;

class TimeToLook extends Error {}

/**
 * Looks at everything once and then follows the changes. Resolves when it is time to look again: after some minutes, after a
 * minute of silence, or when Argo CD has ended the stream. Rejects with the errors of the connector, and with the reason of
 * the signal.
 */
export async function watchApplications(system: ArgocdSystem, watching: Watching): Promise<void> {
  const { signal, clock, onAlive, onSeen } = watching;
  watching.onList(await connect(system, watching).applicationKeys());
  onAlive();
  const again = new AbortController();
  let heardMs = clock.monotonicMs();
  // Without `resourceVersion` the stream begins with all applications, one per line. So nothing that changes between the list
  // and the stream is missed, and no answer has to hold them all.
  const events = streamApplications(system, {
    fetch: watching.fetch,
    signal: AbortSignal.any([signal, again.signal]),
    onBytes: () => {
      heardMs = clock.monotonicMs();
      onAlive();
    },
  });
  const timing = endInTime(clock, again, signal, () => heardMs);
  try {
    for await (const batch of events) onSeen(seenIn(batch));
  } catch (error) {
    if (!(error instanceof TimeToLook)) throw error;
  } finally {
    again.abort(new TimeToLook());
    await timing;
  }
}

/** Aborts `again` when it is time to look at everything. Resolves when it has ended. */
async function endInTime(
  clock: Watching["clock"],
  again: AbortController,
  signal: AbortSignal,
  heardMs: () => number,
): Promise<void> {
  const either = AbortSignal.any([signal, again.signal]);
  const untilMs = clock.monotonicMs() + LOOK_EVERY_MS;
  while (!either.aborted) {
    const leftMs = Math.min(untilMs, heardMs() + QUIET_MS) - clock.monotonicMs();
    if (leftMs <= 0) again.abort(new TimeToLook());
    else await pause(clock, leftMs, either);
  }
}

function seenIn(batch: readonly StreamEvent[]): ReadonlyMap<string, ObservedApplication | undefined> {
  const seen = new Map<string, ObservedApplication | undefined>();
  for (const { type, application } of batch) {
    const key = keyOfObject(application);
    if (key === undefined) continue;
    const observed = type === "DELETED" ? undefined : observedOf(application);
    // An object that cannot be read is not gone.
    if (type === "DELETED" || observed) seen.set(key, observed);
  }
  return seen;
}
