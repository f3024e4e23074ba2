// Whether an outside system was ever reached with the present configuration. One that was and is away now has an outage,
// which keeps nobody from starting; one that never was is more likely a mistake of the configuration.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "./journal.ts";

export type Peer = {
  readonly system: string;
  /** Where it is, in words: another place was not reached yet. */
  readonly place: string;
  /** Rejects with `unavailable` while it is away. */
  readonly look: () => Promise<void>;
  /** It is away, and was reached before. */
  readonly onAway: (error: GantryError) => void;
  /** What to throw when it is away and never was reached. */
  readonly neverReached: (problem: string) => GantryError;
};

/** Looks at a system when the process starts, and remembers that it was there. Throws what `look` throws otherwise. */
export async function probeAtStartup(journal: Pick<Journal, "load" | "append">, peer: Peer): Promise<void> {
  const stream = `reached/${peer.system}`;
  const loaded = await journal.load(stream);
  const isKnown = loaded !== undefined && (loaded.snapshot as { readonly place?: unknown }).place === peer.place;
  try {
    await peer.look();
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "unavailable") throw error;
    if (!isKnown) throw peer.neverReached(String(error.details.problem ?? error.message));
    peer.onAway(error);
    return;
  }
  if (!isKnown) await journal.append([{ stream, expected: 0, events: [], snapshot: { place: peer.place } }]);
}
