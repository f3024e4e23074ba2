// The name, team and labels of an app determine who has rights on it. A caller who sets them must not gain rights.

import type { Rights } from "@gantry/core/access/decide-right.ts";
import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { VERB_NAMES, type Verb, verbEntry } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Portal } from "../portal.ts";
import type { Caller } from "./decide-access.ts";
import type { AppFacts } from "./facts.ts";

/** An app as rules see it, and the sites of its work. */
export type AppAsSeen = AppFacts & { readonly app: string; readonly sites: readonly string[] };

const APP_VERBS = VERB_NAMES.filter((verb) => verbEntry(verb).on === "app");

/**
 * Throws `forbidden` unless there is an element of `before` compared to which `after` gives the caller no new right. For a
 * new app, `before` has every set of its facts that by itself allows the creation.
 */
export async function requireNoGain(
  portal: Pick<Portal, "rights" | "agent">,
  caller: Caller,
  before: readonly AppAsSeen[],
  after: AppAsSeen,
): Promise<void> {
  const rights = portal.rights.of(caller);
  if (rights.isUniform) return;
  const { items } = await portal.agent.pipelines();
  const pipelines = [undefined, ...items.map(({ name }) => name)];
  const gained = before.map((one) => gains(rights, pipelines, one, after)).toSorted((a, b) => a.length - b.length)[0];
  if (gained?.length === 0) return;
  const why = `It would give you rights that you do not have now: ${[...new Set(gained)].join(", ")}.`;
  const todo = "Keep the team, the labels and the name unchanged, or ask a person who has these rights.";
  throw new GantryError("forbidden", {
    who: caller.name,
    verb: "set the name, team or labels of the app to these values",
    why,
    todo,
  });
}

function gains(
  rights: Rights,
  pipelines: readonly (string | undefined)[],
  before: AppAsSeen,
  after: AppAsSeen,
): readonly Verb[] {
  const may = (verb: Verb, { sites, ...app }: AppAsSeen, pipeline: string | undefined, site: string): boolean =>
    rights.may({ ...app, verb, pipeline, ...(verbEntry(verb).placed && sites.length > 0 ? { sites: [site] } : {}) });
  return APP_VERBS.filter((verb) =>
    pipelines.some((pipeline) =>
      [...after.sites, UNKNOWN_SITE].some(
        (site) => may(verb, after, pipeline, site) && !may(verb, before, pipeline, site),
      ),
    ),
  );
}
