// What is stored of the fleet: one stream per application of an Argo CD, and one per Argo CD. It is observed state: the streams of
// applications have no events, only what was seen last, so that a busy fleet does not grow the journal.

import { hash } from "node:crypto";
import { keyOfApplication, type ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

/** An application as it was seen last. Times are store times, ms. */
export type Observation = {
  readonly site: string;
  readonly system: string;
  readonly application: ObservedApplication;
  readonly healthAt: number;
  readonly syncAt: number;
  /** When anything of it last changed. */
  readonly at: number;
  /** It is no longer there. Kept for a while, so that the other agents notice. */
  readonly gone?: true;
};

export const observationStream = defineStream<Observation>({
  prefix: "observed/",
  index: (one) => ({
    observed: one.gone ? [] : [observationId(one)],
    "observed-changes": [`${timeKey(one.at)}/${observationId(one)}`],
    "observed-gone": one.gone ? [`${timeKey(one.at)}/${observationId(one)}`] : [],
  }),
});

/** Names of applications are longer than a stream may be. */
export function observationId({ site, system, application }: Pick<Observation, "site" | "system" | "application">) {
  return `${site}/${system}/${hash("sha256", keyOfApplication(application), "base64url").slice(0, 22)}`;
}

/** Sorts by time; ms since 1970. */
export function timeKey(ms: number): string {
  return String(ms).padStart(15, "0");
}

/** An Argo CD, and the runner that watches it. Times are store times, ms. */
export type Source = {
  readonly site: string;
  readonly system: string;
  /** For people. */
  readonly url: string;
  /** Undefined: nobody watches it. */
  readonly runner?: string;
  /** When that runner last reported. */
  readonly reportedAt: number;
  /** When Argo CD last answered; 0: never. */
  readonly heardAt: number;
  readonly problem?: string;
};

export type SourceEvent = { readonly kind: "WatcherChanged"; readonly runner: string | null; readonly at: number };

/** Another watcher is an event, so that two agents never accept two runners; all else is only stored. */
export const sourceStream = defineStream<Source, SourceEvent>({
  prefix: "fleet-source/",
  index: (one) => ({ "fleet-sources": [sourceId(one)] }),
});

export function sourceId({ site, system }: Pick<Source, "site" | "system">): string {
  return `${site}/${system}`;
}
