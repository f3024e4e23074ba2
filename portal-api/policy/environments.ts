// The record of an app says which of its targets are in which environment, and which builds are of the release branch. So a
// change of the record could be a way around what an environment demands of builds.

import { needInWords, type Rights } from "@gantry/core/access/decide-right.ts";
import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type { Caller } from "../access/decide-access.ts";
import { sitesOfApp } from "../access/decide-sites.ts";
import { appFacts } from "../access/facts.ts";
import type { Portal } from "../portal.ts";
import { type AppChange, evadedEnvironment, evadedWithOther } from "./decide-environments.ts";

type App = Pick<AppView, "name" | "record">;

/**
 * Throws `forbidden` if `after` leads around what an environment of `environments.yaml` demands of this app or of another one,
 * unless the caller may override policies on that app. `before`: empty for a new app. `after`: the record to be; empty for
 * an app to be forgotten.
 */
export async function requireEnvironmentsKept(
  { rights: rightsOf, agent }: Pick<Portal, "rights" | "agent">,
  caller: Caller,
  { name, record }: App,
  after: JsonObject,
): Promise<void> {
  const rights = rightsOf.of(caller);
  if (rights.mayEverywhere("override-policy")) return;
  const { environments } = (await agent.definitions()).inForce;
  if (environments.length === 0) return;
  const change: AppChange = { app: name, before: record, after };
  const environment = evadedEnvironment(change, environments);
  if (environment !== undefined) requireOverride(caller, rights, { name, record }, environment, OWN);
  if (["targets", "yaml", "namespace"].every((field) => isEqual(record[field] ?? null, after[field] ?? null))) return;
  for await (const other of appsOf(agent)) {
    const evaded = other.name === name ? undefined : evadedWithOther(change, other, environments);
    if (evaded?.environment === undefined) continue;
    const guarded = evaded.of === name ? { name, record } : other;
    requireOverride(caller, rights, guarded, evaded.environment, SHARED);
  }
}

const OWN =
  "targets there keep their environment, site, cluster and namespace, no target outside of it writes their files, and the source keeps its repository and release branch";
const SHARED =
  "a target in no environment or in another one cannot deploy to a namespace or write files that targets of another app have there";

/** `rule`: what must hold, without a full stop. */
function requireOverride(
  caller: Caller,
  rights: Rights,
  { name, record }: App,
  environment: string,
  rule: string,
): void {
  const request = { ...appFacts({ record }), app: name, sites: sitesOfApp(record), verb: "override-policy" } as const;
  if (rights.may(request)) return;
  // The other app may be one that the caller may not see.
  const isSeen = rights.may({ ...request, sites: undefined, verb: "view" });
  const what = `what the environment ${environment} demands of ${isSeen ? name : "another app"}`;
  throw new GantryError("forbidden", {
    who: caller.name,
    verb: `change ${what}`,
    why: `It would change ${what}: ${rule}.`,
    ...(isSeen ? { todo: needInWords(rights.decide(request), "app") } : {}),
  });
}

async function* appsOf(agent: Pick<Portal["agent"], "apps">): AsyncGenerator<App> {
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await agent.apps({ limit: 1_000, cursor });
    yield* page.items;
    cursor = page.nextCursor;
  }
}
