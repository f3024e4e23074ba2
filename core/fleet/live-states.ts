// How a target is now, in one word: from the health and the sync of its application, and from whether its Argo CD was heard.
// Console and CLI use this table. Pure.

import type { StateLook } from "../task/states.ts";
import type { Health, Sync } from "./observed.ts";

/** From the best to the worst: an app is as well as its worst target. */
export const LIVE_STATES = [
  "healthy",
  "suspended",
  "progressing",
  "out-of-sync",
  "not-heard-from",
  "unknown",
  "missing",
  "degraded",
] as const;
export type LiveState = (typeof LIVE_STATES)[number];

export type LiveLook = Pick<StateLook, "word" | "glyph" | "ascii" | "hue">;

export const LIVE_LOOKS: { readonly [S in LiveState]: LiveLook } = {
  healthy: { word: "healthy", glyph: "♥", ascii: "+", hue: "green" },
  suspended: { word: "suspended", glyph: "⏸", ascii: "=", hue: "amber" },
  progressing: { word: "progressing", glyph: "◔", ascii: "~", hue: "blue" },
  "out-of-sync": { word: "out of sync", glyph: "↑", ascii: "^", hue: "amber" },
  "not-heard-from": { word: "not heard from", glyph: "…", ascii: ".", hue: "grey" },
  unknown: { word: "unknown", glyph: "?", ascii: "?", hue: "grey" },
  missing: { word: "missing", glyph: "∅", ascii: "0", hue: "red" },
  degraded: { word: "degraded", glyph: "✕", ascii: "x", hue: "red" },
};

const OF_HEALTH: { readonly [H in Health]: LiveState } = {
  Healthy: "healthy",
  Suspended: "suspended",
  Progressing: "progressing",
  Missing: "missing",
  Degraded: "degraded",
  Unknown: "unknown",
};

/**
 * `observed`: undefined when no Argo CD of the site has shown the application. What is old counts as not heard from, whatever
 * it was: it is never shown as well.
 */
export function liveStateOf(
  observed: { readonly health: Health; readonly sync: Sync } | undefined,
  isHeard: boolean,
): LiveState {
  if (observed === undefined) return isHeard ? "unknown" : "not-heard-from";
  if (!isHeard) return "not-heard-from";
  const health = OF_HEALTH[observed.health];
  const sync: LiveState =
    observed.sync === "Synced" ? "healthy" : observed.sync === "OutOfSync" ? "out-of-sync" : "unknown";
  return worseOf(health, sync);
}

/** `healthy` for none. */
export function worstOf(states: readonly LiveState[]): LiveState {
  return states.reduce<LiveState>(worseOf, "healthy");
}

const RANKS: ReadonlyMap<LiveState, number> = new Map(LIVE_STATES.map((state, rank) => [state, rank]));

function worseOf(a: LiveState, b: LiveState): LiveState {
  return (RANKS.get(b) ?? 0) > (RANKS.get(a) ?? 0) ? b : a;
}
