// The trace of a run: its digest must be equal for two runs of one seed; the lines are for people.

import { createHash } from "node:crypto";

export type Trace = {
  readonly line: (text: string) => void;
  readonly digest: () => string;
};

export const NO_TRACE: Trace = { line: () => {}, digest: () => "" };

/** `show` gets every line with its time. */
export function createTrace(nowMs: () => number, show?: (line: string) => void): Trace {
  const hash = createHash("sha256");
  let pending: string[] = [];
  const flush = (): void => {
    hash.update(pending.join("\n"));
    pending = [];
  };
  return {
    line: (text) => {
      const line = `${nowMs().toFixed(3)} ${text}`;
      pending.push(line);
      if (pending.length > 500) flush();
      show?.(line);
    },
    digest: () => {
      flush();
      return hash.copy().digest("hex");
    },
  };
}
