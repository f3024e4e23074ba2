// Decides whether a person may do something, and why: for `gantry can` and GET /v1/access/can.

import { needInWords, type RightDecision, type Subject } from "@gantry/core/access/decide-right.ts";
import type { RightRequest } from "@gantry/core/access/selector.ts";
import { type Verb, verbEntry } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Portal } from "../portal.ts";
import type { Caller } from "./decide-access.ts";
import { recordOf, sitesOfVerb } from "./guards/asked-sites.ts";

export type Question = {
  readonly verb: Verb;
  readonly app?: string | undefined;
  readonly site?: string | undefined;
  readonly pipeline?: string | undefined;
};

/** The pipelines that the verbs of an app start. */
const STARTED: { readonly [V in Verb]?: string } = { "run-ci": "ci", "run-cd": "cd", "create-app": "create-app" };

/**
 * If the caller may not see an app, site or pipeline, throws the same error as for an unknown one: the answer must not
 * reveal what exists.
 */
export async function askRight(
  portal: Portal,
  caller: Caller,
  subject: Subject,
  question: Question,
): Promise<RightDecision> {
  const own = { portal, caller, rights: portal.rights.of(caller) };
  const { verb, app, site } = question;
  const { on, placed } = verbEntry(verb);
  const pipeline = question.pipeline ?? STARTED[verb];
  const record = await recordOf(own, app);
  if (on === "app" && app !== undefined && !own.rights.may({ ...record, app, verb: "view" }))
    throw new GantryError("app-unknown", { app });
  const named = on === "pipeline" ? pipeline : question.pipeline;
  if (named !== undefined && !own.rights.may({ pipeline: named, verb: "view-pipelines" }))
    throw new GantryError("pipeline-unknown", { pipeline: named });
  if (site !== undefined && !own.rights.may({ site, verb: "view-sites" }))
    throw new GantryError("not-found", { kind: "site", name: site });

  const theirs = { portal, rights: portal.rights.of(subject) };
  const sites = site === undefined ? await sitesOfVerb(theirs, verb, { app, pipeline, params: {} }) : [site];
  const request: RightRequest = {
    ...(await recordOf(theirs, app)),
    ...{ verb, app, pipeline },
    ...(on === "site" ? { site } : placed ? { sites } : {}),
  };
  return theirs.rights.decide(request);
}

/** What is required for the right, for a person who does not have it. */
export function needOf(decision: RightDecision, verb: Verb): string | undefined {
  const { on } = verbEntry(verb);
  return decision.allowed ? undefined : needInWords(decision, on === "installation" ? "" : on);
}
