// Rights on a site and on a pipeline whose name is in the address, to pause and resume them.

import type { VerbOn } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { type Guard, onPipeline, requireOnSite, requireRight } from "./guards.ts";

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

/** A pipeline that the caller may see. */
export function onNamedPipeline(verb: VerbOn<"pipeline">): Guard<{ readonly name: string }, unknown, unknown> {
  return {
    verb,
    on: "pipeline",
    check: async (asked) => {
      const { name: pipeline } = asked.params;
      // They may also end what was said of a pipeline that is gone.
      if (asked.rights.mayEverywhere(verb) && asked.rights.mayEverywhere("view-pipelines")) return;
      await onPipeline.check({ ...asked, query: {} });
      await asked.portal.agent.pipeline(pipeline);
      requireRight(asked, { verb, pipeline }, "pipeline");
    },
  };
}
