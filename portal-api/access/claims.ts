// The record of an app lists what belongs to it, and its pipelines may use that with the accounts of a site. So a record
// must not claim what belongs to an app of others.

import { type ClaimKind, claimsOf, overlap } from "@gantry/core/app/claims.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Portal } from "../portal.ts";
import type { Caller } from "./decide-access.ts";
import { sitesOfApp } from "./decide-sites.ts";
import { appFacts } from "./facts.ts";

/**
 * Throws `forbidden` if the record newly names something that another app has, unless the caller may change that app, too.
 * `only`: the kind that is looked at. The error does not name the other app. `appsMay` of the sites limits what the record may name of the rest.
 */
export async function requireOwnClaims(
  { rights: rightsOf, agent }: Pick<Portal, "rights" | "agent">,
  caller: Caller,
  name: string,
  { before, after, only }: { readonly before: JsonObject; readonly after: JsonObject; readonly only?: ClaimKind },
): Promise<void> {
  const rights = rightsOf.of(caller);
  const wordsOf = (app: string, record: JsonObject): readonly string[] =>
    claimsOf(app, record).flatMap(({ kind, words }) => (only === undefined || kind === only ? [words] : []));
  const known = wordsOf(name, before);
  const added = wordsOf(name, after).filter((one) => !known.includes(one));
  if (added.length === 0 || rights.mayEverywhere("change-app")) return;
  let cursor: string | undefined;
  do {
    const page = await agent.apps({ limit: 1_000, cursor });
    for (const other of page.items) {
      const taken =
        other.name === name
          ? undefined
          : wordsOf(other.name, other.record).find((one) => added.some((mine) => overlap(mine, one)));
      if (
        taken === undefined ||
        rights.may({ ...appFacts(other), app: other.name, sites: sitesOfApp(other.record), verb: "change-app" })
      )
        continue;
      throw new GantryError("forbidden", {
        who: caller.name,
        verb: `give the app ${name} the ${taken}`,
        why: "This belongs to an app that you may not change.",
        todo: "Name only what belongs to this app, or ask a person who may change both apps.",
      });
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
