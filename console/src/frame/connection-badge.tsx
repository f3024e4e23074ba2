// Whether the page is up to date: a word, and the explanation on hover.

import { type Connection, connection } from "../data/live.ts";

const TEXTS: { readonly [C in Connection]: readonly [word: string, explanation: string] } = {
  connecting: ["connecting", "The page is connecting to the portal."],
  live: ["live", "The page is up to date. Changes appear as they happen."],
  reconnecting: ["reconnecting", "The connection was lost. The page shows the last known state."],
  polling: ["polling", "No event stream can be opened. The page asks for changes every 3 seconds."],
  paused: ["paused", "This tab was in the background. It is reading what has changed since."],
  behind: ["behind", "The portal cannot reach the task-agent. The page shows the last known state."],
};

export function ConnectionBadge() {
  const [word, explanation] = TEXTS[connection.value];
  return (
    <span class={`live is-${connection.value}`} title={explanation}>
      <span class="dot" aria-hidden="true" />
      <span>{word}</span>
    </span>
  );
}
