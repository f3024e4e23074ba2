// The glyph, word and colour of a state, always taken from the table STATE_LOOKS in core.

import { STATE_LOOKS, type State } from "@gantry/core/task/states.ts";

/** `isSilent`: the runner has not been heard from lately, so this is the last known state. */
export function StateGlyph({ state, isSilent = false }: { state: State; isSilent?: boolean }) {
  const hue = isSilent ? "silent" : STATE_LOOKS[state].hue;
  const turns = !isSilent && (state === "running" || state === "finalizing");
  return (
    <svg class={`glyph hue-${hue}${turns ? " turns" : ""}`} aria-hidden="true">
      <use href={`#s-${state}`} />
    </svg>
  );
}

export function StateBadge({ state, isSilent = false }: { state: State; isSilent?: boolean }) {
  const { hue, word } = STATE_LOOKS[state];
  return (
    <span class={`mark hue-${isSilent ? "silent" : hue}`}>
      <StateGlyph state={state} isSilent={isSilent} />
      <span>{word}</span>
    </span>
  );
}
