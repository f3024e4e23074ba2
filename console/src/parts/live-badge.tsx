// How a target or an app is now, always with the glyph, word and colour of LIVE_LOOKS in core.

import { LIVE_LOOKS, LIVE_STATES, type LiveState } from "@gantry/core/fleet/live-states.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";

export function LiveGlyph({ state }: { state: LiveState }) {
  return (
    <svg class={`glyph hue-${LIVE_LOOKS[state].hue}`} aria-hidden="true">
      <use href={`#l-${state}`} />
    </svg>
  );
}

export function LiveBadge({ state }: { state: LiveState }) {
  const { word, hue } = LIVE_LOOKS[state];
  return (
    <span class={`mark hue-${hue}`}>
      <LiveGlyph state={state} />
      <span>{word}</span>
    </span>
  );
}

type Counts = NonNullable<AppView["live"]>["counts"];

/** The worst first, without those that no target has. */
export function statesOf(counts: Counts): readonly (readonly [LiveState, number])[] {
  return LIVE_STATES.toReversed().flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 ? [] : [[state, count] as const];
  });
}

/** An app is as well as its worst target: which state that is, and of how many targets. */
export function AppHealth({ live: { state, counts } }: { live: NonNullable<AppView["live"]> }) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { word, hue } = LIVE_LOOKS[state];
  const some = counts[state] ?? all;
  return (
    <span class={`mark hue-${hue}`}>
      <LiveGlyph state={state} />
      <span>{all === 1 ? word : `${word}: ${some} of ${all} targets`}</span>
    </span>
  );
}
