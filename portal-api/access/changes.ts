// Notifies open streams of a person or token that their access has changed, so that they do not wait for the next regular
// check.

import type { Cancel } from "@gantry/runtime/clock.ts";

export type AccessChanges = {
  /** Must be called when something of this caller has ended or changed: a session, a token, the account, its groups. */
  readonly changed: (name: string) => void;
  /** Calls `run` after every change of this caller, until it is canceled. `run` must not throw. */
  readonly watch: (name: string, run: () => void) => Cancel;
};

export function makeAccessChanges(): AccessChanges {
  const watchers = new Map<string, Set<() => void>>();
  return {
    changed: (name) => {
      for (const run of [...(watchers.get(name) ?? [])]) run();
    },
    watch: (name, run) => {
      const mine = watchers.get(name) ?? new Set();
      watchers.set(name, mine.add(run));
      return () => {
        mine.delete(run);
        if (mine.size === 0 && watchers.get(name) === mine) watchers.delete(name);
      };
    },
  };
}
