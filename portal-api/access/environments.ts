// The record of an app says which of its targets are in which environment, and which builds are of the release branch. So a
// change of the record could be a way around what an environment demands of builds.

import { needInWords } from "@gantry/core/access/decide-right.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type { Portal } from "../portal.ts";
import type { Caller } from "./decide-access.ts";
import { evadedEnvironment } from "./decide-environments.ts";
import { sitesOfApp } from "./decide-sites.ts";
import { appFacts } from "./facts.ts";

/**
 * Throws `forbidden` if `after` takes something of the app out of what an environment of `environments.yaml` demands, unless
 * the caller may override policies on the app. `after`: the record to be; empty for an app to be forgotten.
 */
export async function requireEnvironmentsKept(
  { rights: rightsOf, agent }: Pick<Portal, "rights" | "agent">,
  caller: Caller,
  { name, record }: Pick<AppView, "name" | "record">,
  after: JsonObject,
): Promise<void> {
  const rights = rightsOf.of(caller);
  if (rights.mayEverywhere("override-policy")) return;
  const { environments } = (await agent.definitions()).inForce;
  const environment = evadedEnvironment(name, record, after, environments);
  if (environment === undefined) return;
  const request = { ...appFacts({ record }), app: name, sites: sitesOfApp(record), verb: "override-policy" } as const;
  if (rights.may(request)) return;
  throw new GantryError("forbidden", {
    who: caller.name,
    verb: `change what the environment ${environment} demands of ${name}`,
    why: `It would change what the environment ${environment} demands of ${name}: targets there keep their environment, site, cluster and namespace, and the source its repository and release branch.`,
    todo: needInWords(rights.decide(request), "app"),
  });
}
