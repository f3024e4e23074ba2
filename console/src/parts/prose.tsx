// Text from the API and from pipeline files: text between backticks is shown as code, without the backticks.

import type { ComponentChildren } from "preact";

export function Prose({ text }: { text: string }): ComponentChildren {
  return text
    .split(/`([^`\n]+)`/)
    .map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))
    .filter((part) => part !== "");
}
