// The glyph, word and colour of a state, always taken from the table STATE_LOOKS in core.

import { STATE_LOOKS, type State } from "@gantry/core/task/states.ts";

type Props = {
  readonly state: State;
  /** The runner has not been heard from lately, so this is the last known state. */
  readonly isSilent?: boolean;
  /** It failed, and what comes after it goes on. */
  readonly isTolerated?: boolean;
};

export function StateGlyph({ state, isSilent = false, isTolerated = false }: Props) {
  const hue = hueOf({ state, isSilent, isTolerated });
  const turns = !isSilent && (state === "running" || state === "finalizing");
  return (
    <svg class={`glyph hue-${hue}${turns ? " turns" : ""}`} aria-hidden="true">
      <use href={`#s-${state}`} />
    </svg>
  );
}

export function StateBadge(props: Props) {
  const { word } = STATE_LOOKS[props.state];
  return (
    <span class={`mark hue-${hueOf(props)}`}>
      <StateGlyph {...props} />
      <span>{props.isTolerated ? `${word}, tolerated` : word}</span>
    </span>
  );
}

function hueOf({ state, isSilent, isTolerated }: Props): string {
  if (isSilent) return "silent";
  return isTolerated ? "amber" : STATE_LOOKS[state].hue;
}
