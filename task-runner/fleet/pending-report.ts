// What the task-agent does not know yet of one Argo CD. It keeps the newest state of every application, because a new session, perhaps
// at another agent, is told everything again.

import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { MAX_APPLICATIONS, MAX_REPORTED, type ObserveRequest } from "@gantry/wire/runner/fleet.ts";

export type PendingReport = {
  /** All applications that there are. */
  readonly list: (keys: readonly string[]) => void;
  readonly see: (seen: ReadonlyMap<string, ObservedApplication | undefined>) => void;
  /** Argo CD was heard, or why it cannot be watched. */
  readonly setProblem: (problem: string | undefined) => void;
  /** The next report. It stays pending until `sent`. */
  readonly next: (session: string) => Batch;
  readonly sent: (batch: Batch) => void;
  readonly hasNews: () => boolean;
};

export type Batch = Pick<ObserveRequest, "all" | "changed" | "gone" | "problem">;

/** Characters of JSON in one report. */
const MAX_TEXT = 700_000;

/** `onNews` is called when there is something to report. */
export function openPendingReport(onNews: () => void): PendingReport {
  const current = new Map<string, { readonly application: ObservedApplication; readonly text: string }>();
  const unsent = new Set<string>();
  const gone = new Set<string>();
  let listed: Set<string> | undefined;
  let tellsAll = false;
  let problem: string | undefined;
  let toldProblem: string | undefined;
  let session: string | undefined;
  const hasNews = (): boolean =>
    unsent.size > 0 || gone.size > 0 || (tellsAll && listed !== undefined) || problem !== toldProblem;
  const tell = (): void => {
    if (hasNews()) onNews();
  };
  const drop = (key: string): void => {
    if (current.delete(key)) gone.add(key);
    unsent.delete(key);
    listed?.delete(key);
  };
  return {
    hasNews,
    list: (keys) => {
      listed = new Set(keys.slice(0, MAX_APPLICATIONS));
      const there = new Set(keys);
      for (const key of [...current.keys()]) if (!there.has(key)) drop(key);
      tell();
    },
    see: (seen) => {
      for (const [key, application] of seen) {
        if (!application) {
          drop(key);
          continue;
        }
        const text = JSON.stringify(application);
        if (current.get(key)?.text === text) continue;
        if (!current.has(key) && current.size >= MAX_APPLICATIONS) continue;
        current.set(key, { application, text });
        unsent.add(key);
        gone.delete(key);
      }
      tell();
    },
    setProblem: (now) => {
      problem = now;
      tell();
    },
    next: (now) => {
      if (now !== session) {
        session = now;
        tellsAll = true;
        for (const key of current.keys()) unsent.add(key);
      }
      return {
        // What was seen after the list is there, too.
        ...(tellsAll && listed ? { all: [...new Set([...listed, ...current.keys()])].slice(0, MAX_APPLICATIONS) } : {}),
        ...(problem === undefined ? {} : { problem }),
        changed: firstOf(unsent, current),
        gone: [...gone],
      };
    },
    sent: (batch) => {
      if (batch.all) tellsAll = false;
      toldProblem = batch.problem;
      for (const key of batch.gone) gone.delete(key);
      for (const application of batch.changed) {
        const key = `${application.namespace}/${application.name}`;
        // It may have changed while the report was on its way.
        if (current.get(key)?.application === application) unsent.delete(key);
      }
    },
  };
}

function firstOf(
  keys: ReadonlySet<string>,
  current: ReadonlyMap<string, { readonly application: ObservedApplication; readonly text: string }>,
): ObservedApplication[] {
  const chosen: ObservedApplication[] = [];
  let size = 0;
  for (const key of keys) {
    const one = current.get(key);
    if (!one) continue;
    size += one.text.length;
    if (chosen.length > 0 && (size > MAX_TEXT || chosen.length >= MAX_REPORTED)) break;
    chosen.push(one.application);
  }
  return chosen;
}
