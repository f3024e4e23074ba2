// The log of a process: JSON lines, and the type that everything takes that writes to it.

import { pino, stdTimeFunctions } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** As pino has it. Fields never hold secrets: no bodies, no headers, no addresses with a query. */
export type Logger = {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** What is written; absent where it cannot be changed. */
  level?: string;
};
type LogLine = (fields: object, message: string) => void;

/** JSON lines on stdout. Fields that could hold a secret are cut out. */
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
      redact: ["token", "*.token", "authorization", "*.authorization", "cookie", "*.cookie"],
    },
    destination,
  );
}
