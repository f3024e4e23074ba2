// The record of an app lists what belongs to it, and its pipelines may use that with the accounts of a site. So a record
// must not claim what belongs to an app of others.

import { completeRecord } from "@gantry/core/app/app-record.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { Portal } from "../portal.ts";
import type { Caller } from "./decide-access.ts";
import { appFacts } from "./facts.ts";

/**
 * Throws `forbidden` if the record newly names something that another app has, unless the caller may change that app, too.
 * The error does not name the other app. Anything that no app has may be named.
 */
export async function requireOwnClaims(
  { rights: rightsOf, agent }: Pick<Portal, "rights" | "agent">,
  caller: Caller,
  name: string,
  { before, after }: { readonly before: JsonObject; readonly after: JsonObject },
): Promise<void> {
  const rights = rightsOf.of(caller);
  const known = claimsOf(name, before);
  const added = claimsOf(name, after).filter((one) => !known.includes(one));
  if (added.length === 0 || rights.mayEverywhere("change-app")) return;
  let cursor: string | undefined;
  do {
    const page = await agent.apps({ limit: 1_000, cursor });
    for (const other of page.items) {
      const taken =
        other.name === name ? undefined : claimsOf(other.name, other.record).find((one) => added.includes(one));
      if (taken === undefined || rights.may({ ...appFacts(other), app: other.name, verb: "change-app" })) continue;
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

/** What the runner treats as the app's own, in words. Git hosts ignore the case of repository names. */
function claimsOf(name: string, record: JsonObject): readonly string[] {
  // An app without a record has nothing.
  if (Object.keys(record).length === 0) return [];
  const { source, yaml, image, images, jira, argocd, sonarqube, targets } = completeRecord(name, record);
  const repositories = [source, yaml].map((one) => {
    const [project, slug] = [textAt(one, "project"), textAt(one, "slug")];
    return project && slug && `repository ${project}/${slug}`.toLowerCase();
  });
  const list: readonly JsonValue[] = [
    image ?? null,
    ...(Array.isArray(images) ? (images as readonly JsonValue[]) : []),
  ];
  const pushed = list.map((one) => textAt(one, "repository")).map((one) => one && `image repository ${one}`);
  const key = textAt(jira, "key");
  const projects = [
    key && `Jira project ${key.toUpperCase()}`,
    `Argo CD project ${textAt(argocd, "project") ?? name}`,
    `SonarQube project ${textAt(sonarqube, "project") ?? name}`,
  ];
  const namespaces = (Array.isArray(targets) ? (targets as readonly JsonValue[]) : []).map(
    (one) => `namespace ${textAt(one, "namespace")} on ${textAt(one, "cluster")} at ${textAt(one, "site")}`,
  );
  return [...new Set([...repositories, ...pushed, ...projects, ...namespaces])].filter(
    (one) => one !== undefined && one !== "",
  ) as readonly string[];
}

function textAt(value: JsonValue | undefined, field: string): string | undefined {
  const found = isJsonObject(value) ? value[field] : undefined;
  return typeof found === "string" ? found : undefined;
}
