// How a command in a log is shown to people. Pure.

import { type Annotation, annotationOf, oneLine, placeOf } from "./annotation.ts";
import type { LogCommand } from "./commands.ts";
import { progressOf } from "./progress.ts";

/** What a command is shown as; undefined when it is shown as it stands, or is not shown at all. */
export function commandWords(command: LogCommand): string | undefined {
  const annotation = annotationOf(command);
  if (annotation) return `${command.name}: ${annotationWords(annotation)}`;
  switch (command.name) {
    case "group":
      return oneLine(command.message) || "Group";
    case "debug":
      return `debug: ${oneLine(command.message)}`;
    case "progress": {
      const progress = progressOf(command);
      if (progress === undefined) return undefined;
      const { done, total, text } = progress;
      return `progress: ${done} of ${total}${text === undefined ? "" : `, ${text}`}`;
    }
    case "add-mask":
      return "A value is masked from here on.";
    default:
      return undefined;
  }
}

/** `app.js:1:5: Title: message`, in one line. */
export function annotationWords(annotation: Annotation): string {
  const parts = [placeOf(annotation), annotation.title, oneLine(annotation.message)];
  return parts.filter((part) => part !== undefined && part !== "").join(": ");
}
