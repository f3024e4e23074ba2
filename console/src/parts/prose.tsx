// Text from the API and from pipeline files: text between backticks is shown as code, without the backticks.

import type { ComponentChildren } from "preact";

/** The same as plain text, for attributes and for what screen readers hear. */
export function withoutBackticks(text: string): string {
  return text.replace(/`([^`\n]+)`/g, "$1");
}

export function Prose({ text }: { text: string }): ComponentChildren {
  return text
    .split(/`([^`\n]+)`/)
    .map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))
    .filter((part) => part !== "");
}
