// GET /v1/definitions and POST /v1/definitions/sync: the set of pipelines in force, and reading it from git now.

import { didYouMean } from "@gantry/core/suggest.ts";
import { type DefinitionsView, definitionsView } from "@gantry/wire/agent/definitions.ts";
import { listOf, onInstallation } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import type { PortalConfig } from "../config.ts";
import { sendAccepted, sendUncachedText } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, json } from "../http/schemas.ts";

export const getDefinitions = route({
  method: "GET",
  path: "/v1/definitions",
  id: "getDefinitions",
  tag: "pipelines",
  summary: "Show which set of pipelines is in force, and why a newer one is not",
  description:
    "The mistakes of a refused set are shown to callers with the right to manage settings. Callers who do not see all pipelines get the names of theirs only.",
  right: listOf("view-pipelines"),
  verb: "see pipelines",
  responses: { 200: json("The set in force", definitionsView) },
  handle: async (call) => {
    const caller = callerOf(call);
    const visibility = visibilityOf(call.portal, caller);
    const rights = call.portal.rights.of(caller);
    const { inForce, refused, sync } = await call.portal.agent.definitions();
    const { source, environments, files, ...rest } = inForce;
    const definitions = inForce.definitions.filter(({ name }) => visibility.pipeline(name));
    const mayManage = rights.may({ verb: "manage-settings" });
    const sites = mayManage ? (await call.portal.agent.sites()).items.map(({ name }) => name) : [];
    const notes = [...rolesNotes(call.portal.config, files), ...siteNotes(sites, files)];
    // The subject of a commit may name pipelines and apps that the caller may not see.
    const seesAll = mayManage || rights.mayEverywhere("view-pipelines");
    const view: DefinitionsView = {
      inForce: {
        ...rest,
        ...(seesAll ? { source, environments } : { environments: [] }),
        ...(mayManage && files ? { files } : {}),
        definitions,
      },
      ...(mayManage && notes.length > 0 ? { notes } : {}),
      ...(refused && seesAll ? { refused: mayManage ? refused : { ...refused, problems: [] } } : {}),
      ...(sync && mayManage ? { sync } : {}),
    };
    sendUncachedText(call.ctx, await visibility.redact(JSON.stringify(view)));
  },
});

type Files = DefinitionsView["inForce"]["files"];

/** Defaults of a site whose name is misspelt, or that has no runner yet. */
function siteNotes(sites: readonly string[], files: Files = []): string[] {
  return files.flatMap(({ file }) => {
    const site = /^sites\/(.+)\.yaml$/.exec(file)?.[1];
    if (site === undefined || sites.includes(site)) return [];
    return [`${file} has no effect, because no runner serves a site ${site}${didYouMean(site, sites)}.`];
  });
}

/** Roles that people could take for being in effect. */
function rolesNotes({ access }: PortalConfig, files: Files = []): string[] {
  if (access.fromDefinitions || !files.some(({ file }) => file.startsWith("roles/"))) return [];
  const instead = access.policy === undefined ? "has no policy" : "reads its policy from a file";
  return [`The files of roles give no rights, because the portal ${instead}: set \`access.fromDefinitions\` there.`];
}

export const syncDefinitions = route({
  method: "POST",
  path: "/v1/definitions/sync",
  id: "syncDefinitions",
  tag: "pipelines",
  summary: "Read the repository of definitions now",
  description:
    "Answers the task that reads it. The set is checked as a whole after the task has ended; `GET /v1/definitions` tells the result.",
  right: onInstallation("manage-settings"),
  verb: "sync definitions",
  responses: { 202: accepted },
  errors: ["conflict"],
  handle: async (call) => sendAccepted(call, await call.portal.agent.syncDefinitions(callerOf(call).name)),
});
