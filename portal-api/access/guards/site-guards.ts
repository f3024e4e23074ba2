// The rights on sites and their runners. A site or runner that the caller may not see is reported as missing.

import type { VerbOn } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Portal } from "../../portal.ts";
import { type Guard, ifUnknown, type Who } from "./guard.ts";
import { requireRight } from "./guards.ts";

/** A name that a runner of another site has also needs the right there, because that runner would lose the name. */
export function onSite(
  verb: VerbOn<"site">,
): Guard<unknown, unknown, { readonly site: string; readonly runner?: string | undefined }> {
  return {
    verb,
    on: "site",
    check: async (asked) => {
      const { site, runner } = asked.body;
      requireOnSite(asked, verb, site, () => new GantryError("not-found", { kind: "site", name: site }));
      if (runner === undefined || asked.rights.mayEverywhere(verb)) return;
      const taken = await siteOfRunner(asked.portal, runner);
      const missing = (): GantryError => new GantryError("not-found", { kind: "runner", name: runner });
      if (taken !== undefined) requireOnSite(asked, verb, taken, missing);
    },
  };
}

/** A site in the address. */
export function onNamedSite(verb: VerbOn<"site">): Guard<{ readonly site: string }, unknown, unknown> {
  return {
    verb,
    on: "site",
    check: (asked) => {
      const { site } = asked.params;
      requireOnSite(asked, verb, site, () => new GantryError("not-found", { kind: "site", name: site }));
    },
  };
}

export function onRunner(verb: VerbOn<"site">): Guard<{ readonly runner: string }, unknown, unknown> {
  return {
    verb,
    on: "runner",
    check: async (asked) => {
      const { portal, rights, params } = asked;
      if (rights.mayEverywhere(verb) && rights.mayEverywhere("view-sites")) return;
      const missing = (): GantryError => new GantryError("not-found", { kind: "runner", name: params.runner });
      const site = await siteOfRunner(portal, params.runner);
      if (site === undefined) throw missing();
      requireOnSite(asked, verb, site, missing);
    },
  };
}

function requireOnSite(who: Who, verb: VerbOn<"site">, site: string, missing: () => GantryError): void {
  if (!who.rights.may({ verb: "view-sites", site })) throw missing();
  requireRight(who, { verb, site }, "site");
}

/** Includes runners that are out of service; a task-agent of an older version does not list these. */
async function siteOfRunner({ agent }: Portal, name: string): Promise<string | undefined> {
  const known = (await agent.runners()).items.find((runner) => runner.name === name);
  return known?.site ?? (await agent.runnerSite(name).catch(ifUnknown))?.site;
}
