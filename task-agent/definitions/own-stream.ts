// The pipelines that an app has brought itself, as stored: the newest set that was read from its source repository.

import type { Problem } from "@gantry/core/errors.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

export type StoredOwn = { readonly name: string; readonly version: string; readonly file: string };

/** From where. A record that changes, or another app with the name, makes what was read obsolete. */
export type OwnSource = {
  readonly system: string;
  readonly project: string;
  readonly slug: string;
  readonly branch: string;
};

export type OwnState = {
  /** The task that has read it, and when: store time, ms. */
  readonly task: string;
  readonly at: number;
  readonly source: OwnSource;
  readonly commit: string;
  readonly definitions: readonly StoredOwn[];
  /** Mistakes in the files. Then nothing is in force: an older file would run something else than the people wrote. */
  readonly problems?: readonly Problem[];
};

/** Key: the name of the app. */
export const ownStream = defineStream<OwnState>({ prefix: "agent/own-pipelines/" });
