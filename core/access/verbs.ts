// The actions that people and tokens can have the right to do. Every route of the portal names one of these verbs. A new
// verb must be given to the built-in roles that need it (roles.ts).

import type { Action } from "../choice/actions.ts";

/** `installation`: about everything, so a binding that names apps, sites or pipelines never gives it. */
export type VerbKind = "app" | "site" | "pipeline" | "installation";

export type VerbEntry = {
  /** What a request with this verb is about. */
  readonly on: VerbKind;
  /** Completes the sentence "… may not <does>". */
  readonly does: string;
  /** It starts work. */
  readonly runs?: true;
  /**
   * It changes something at the sites of an app, a task or a job. A rule that names sites gives it only where every such site is
   * known, and denies it where any of them is meant.
   */
  readonly placed?: true;
};

export const VERBS = {
  view: { on: "app", does: "see apps and tasks" },
  "view-logs": { on: "app", does: "read logs" },
  "run-ci": { on: "app", does: "run CI", runs: true, placed: true },
  "run-cd": { on: "app", does: "run CD", runs: true, placed: true },
  "start-task": { on: "app", does: "run a pipeline", runs: true, placed: true },
  cancel: { on: "app", does: "cancel a task", placed: true },
  rerun: { on: "app", does: "rerun a task", runs: true, placed: true },
  resolve: { on: "app", does: "decide about a held job", runs: true, placed: true },
  "mark-done": { on: "app", does: "mark a held job as done", placed: true },
  redeliver: { on: "app", does: "deliver a webhook again", runs: true, placed: true },
  approve: { on: "app", does: "approve a deployment", placed: true },
  "override-policy": {
    on: "app",
    does: "deploy a build against the policy of an environment",
    runs: true,
    placed: true,
  },
  "create-app": { on: "app", does: "create an app", runs: true, placed: true },
  "pause-app": { on: "app", does: "pause an app" },
  "change-app": { on: "app", does: "change an app", placed: true },
  "remove-app": { on: "app", does: "remove an app", placed: true },
  "view-pipelines": { on: "pipeline", does: "see pipelines" },
  "pause-pipeline": { on: "pipeline", does: "pause a pipeline" },
  "view-sites": { on: "site", does: "see sites" },
  "manage-runners": { on: "site", does: "remove or readmit runners, or pause a site" },
  enrol: { on: "site", does: "enrol runners" },
  "view-metrics": { on: "installation", does: "see metrics" },
  "manage-settings": { on: "installation", does: "see or change settings" },
  "manage-tokens": { on: "installation", does: "manage tokens" },
  "manage-people": { on: "installation", does: "manage people and see their rights" },
  "view-audit": { on: "installation", does: "see the audit" },
} as const satisfies { readonly [verb: string]: VerbEntry };

export type Verb = keyof typeof VERBS;

/** The verbs about one kind of thing. */
export type VerbOn<K extends VerbKind> = { [V in Verb]: (typeof VERBS)[V]["on"] extends K ? V : never }[Verb];

export const VERB_NAMES = Object.keys(VERBS) as readonly Verb[];

/**
 * What a caller must be able to see in order to use a verb: an object that the caller may not see is reported as missing.
 */
export function seeingVerbs(verb: Verb): readonly Verb[] {
  const { on, runs } = verbEntry(verb);
  if (on === "site") return ["view-sites"];
  return on === "app" ? ["view", ...(runs ? (["view-pipelines"] as const) : [])] : [];
}

export function verbEntry(verb: Verb): VerbEntry {
  return VERBS[verb];
}

export const STARTS = ["run-ci", "run-cd", "create-app", "start-task"] as const;
export type StartVerb = (typeof STARTS)[number];

/** The verb that starts a pipeline. `kind`: whether it is for an app; `action`: the button of an app that it is for. */
export function startVerb(kind: string | undefined, action: Action | undefined): StartVerb {
  if (action) return `run-${action}`;
  return kind === "new" ? "create-app" : "start-task";
}
