// The log of a process: its type, and the logger that writes JSON lines.

import { visibleText } from "@gantry/core/visible-text.ts";
import { pino, stdTimeFunctions } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** The part of pino that Gantry uses. Fields must not hold secrets: no bodies, no headers, no URLs with a query. */
export type Logger = {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** The lowest level that is written; absent if it cannot be changed. */
  level?: string;
};
type LogLine = (fields: object, message: string) => void;

/**
 * JSON lines on stdout. Fields that could hold a secret are redacted. Every character that a terminal or a person could take
 * for something else is escaped: JSON itself escapes line breaks, but neither the controls of ISO 6429 nor changes of the
 * direction of writing.
 */
export function makeLogger(
  service: string,
  level: LogLevel,
  destination: { write: (line: string) => void } = pino.destination(1),
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // JSON escapes C0; a terminal that shows the log obeys others as well, and bidirectional controls reorder it.
      hooks: { streamWrite: (line) => visibleText(line) },
      redact: ["token", "*.token", "authorization", "*.authorization", "cookie", "*.cookie"],
    },
    { write: (line: string) => destination.write(withoutControls(line)) },
  );
}

const CONTROLS = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** The same JSON, with these characters as escapes. */
function withoutControls(line: string): string {
  return line.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
