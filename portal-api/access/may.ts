// What a caller may do, for views: the console disables everything else and says who may do it.

import { needInWords, type RightDecision, type Rights } from "@gantry/core/access/decide-right.ts";
import { type RightRequest, UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { VERB_NAMES, type Verb, verbEntry } from "@gantry/core/access/verbs.ts";
import type { AppFacts } from "./facts.ts";

export type May = {
  readonly may: readonly Verb[];
  /** By verb: what it needs, and who may use it. */
  readonly mayNot: { readonly [verb: string]: string };
};

type TaskPart = {
  readonly app?: string | undefined;
  readonly pipeline: string;
  readonly sites: readonly string[];
  /** Why the caller cannot rerun it, because of the pipelines that it runs. */
  readonly noRerun?: string | undefined;
};

const SITE_VERBS = VERB_NAMES.filter((verb) => verbEntry(verb).on === "site");
const APP_VERBS = VERB_NAMES.filter((verb) => verbEntry(verb).on === "app");
/** The pipelines of an app that these verbs start. */
const PIPELINES: { readonly [V in Verb]?: string } = { "run-ci": "ci", "run-cd": "cd", "create-app": "create-app" };
const uniform = new WeakMap<Rights, May>();

/** They are about all sites of an app or a task at once. */
const WHOLE: readonly Verb[] = ["cancel", "change-app", "remove-app"];

/** On an app or a task of it. `sites`: where its work can run; a verb about one of them is allowed when it is at any. */
export function mayOn(rights: Rights, given: Omit<RightRequest, "verb" | "sites">, sites: readonly string[]): May {
  const known = uniform.get(rights);
  if (known) return known;
  const allowed = (verb: Verb): boolean => {
    const about = { pipeline: PIPELINES[verb], ...given };
    if (!rights.needs.sites || !verbEntry(verb).placed) return rights.may({ ...about, verb });
    if (WHOLE.includes(verb)) return rights.may({ ...about, sites, verb });
    return (sites.length === 0 ? [UNKNOWN_SITE] : sites).some((site) => rights.may({ ...about, sites: [site], verb }));
  };
  const found = mayOf(APP_VERBS, allowed, (verb) => refusalInWords(rights.decide({ ...given, verb }), "app"));
  if (rights.isUniform) uniform.set(rights, found);
  return found;
}

/** Verbs on a site. */
export function mayOnSite(rights: Rights, site: string): readonly Verb[] {
  return SITE_VERBS.filter((verb) => rights.may({ verb, site }));
}

/** A task with what the caller may do with it, as the text of its JSON. `record`: of its app. */
export function withMay(
  text: string,
  { rights, task, record }: { readonly rights: Rights; readonly task: TaskPart; readonly record: AppFacts },
): { readonly text: string; readonly may: string } {
  const { app, pipeline, sites, noRerun } = task;
  const may = JSON.stringify(without("rerun", noRerun, mayOn(rights, { ...record, app, pipeline }, sites)));
  // Both texts are objects, so they are joined without parsing the view again.
  return { text: `${text.slice(0, -1)},${may.slice(1)}`, may };
}

/** A reason that the verb itself has comes first. */
function without(verb: Verb, why: string | undefined, { may, mayNot }: May): May {
  if (why === undefined || !may.includes(verb)) return { may, mayNot };
  return { may: may.filter((one) => one !== verb), mayNot: { ...mayNot, [verb]: why } };
}

/** Anywhere: for actions without a page of an app or a task. */
export function mayAnywhere(rights: Rights): May {
  return mayOf(VERB_NAMES, rights.mayAnywhere, (verb) => refusalInWords(rights.decide({ verb }), ""));
}

/** Joined into one text, because a button has no room for two. */
function refusalInWords(decision: RightDecision, on: string): string {
  const need = needInWords(decision, on);
  return decision.obstacle === "no-role" ? need : `${decision.reason} ${need}`;
}

function mayOf(verbs: readonly Verb[], allowed: (verb: Verb) => boolean, need: (verb: Verb) => string): May {
  const may = verbs.filter(allowed);
  const others = verbs.filter((verb) => !may.includes(verb));
  return { may, mayNot: Object.fromEntries(others.map((verb) => [verb, need(verb)])) };
}
