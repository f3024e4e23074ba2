// Checks an outside system when the process starts. If it was reached before with the same configuration, it has an outage,
// which must not prevent the start. If it was never reached, the configuration is probably wrong.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "./journal.ts";

export type Peer = {
  readonly system: string;
  /** Its address in words. A new address counts as never reached. */
  readonly place: string;
  /** Reaches the system. Rejects with `unavailable` when it cannot be reached. */
  readonly look: () => Promise<void>;
  /** Called when it cannot be reached now, but was reached before. */
  readonly onAway: (error: GantryError) => void;
  /** The error when it cannot be reached and never was. */
  readonly neverReached: (problem: string) => GantryError;
};

/** Checks the system and records that it was reached. Rejects with any other error of `look`. */
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
