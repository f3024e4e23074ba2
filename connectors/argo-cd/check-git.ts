// Whether Argo CD can read the yaml repositories, and with whose account.

import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import { type Answer, type CheckAccess, each, type Known, no, type Place, unknown, yes } from "../examine.ts";
import type { HostAccess } from "../git/host.ts";
import { mayUseGit } from "../git/may-use.ts";
import type { ArgoCd } from "./client.ts";
import { decideRepository } from "./decide-repository.ts";
import { lookAtRepository, readerAuthorization } from "./look-at-repository.ts";

export function checkGitAccess(
  client: ArgoCd,
  system: ArgocdSystem,
  { deployed }: Known,
  access: CheckAccess,
): Promise<Answer> {
  const configured = Object.keys(system.git ?? {}).join(", ");
  const nothing =
    configured === ""
      ? "`git:` of the system names no account, and no app is deployed from a repository yet"
      : `no app is deployed from a repository yet; \`git:\` names an account for ${configured}`;
  return each(deployed, nothing, async (place) => {
    const git = access.gitSystem(place.system);
    return git ? checkOne(client, system, { ...access, system: git }, place) : unknown(hostMissing(place));
  });
}

function hostMissing({ project, slug, system }: Known["deployed"][number]): string {
  return `${project}/${slug}: this runner has no git system ${system ?? "for it"}`;
}

async function checkOne(client: ArgoCd, argocd: ArgocdSystem, access: HostAccess, place: Place): Promise<Answer> {
  const name = `${place.project}/${place.slug}`;
  const facts = await lookAtRepository(client, argocd, access, place);
  const decided = decideRepository({ ...facts, project: undefined });
  const reader = argocd.git?.[access.system.name];
  switch (decided.kind) {
    case "unreadable":
      return no(`${name}: ${argocd.name} does not know it, and \`git:\` names no account for ${access.system.name}`);
    case "keep":
      if (facts.there && facts.own !== undefined && facts.there.username === facts.own)
        return no(`${name}: ${decided.says}`);
      return reader === "none" && !facts.there
        ? mayUseGit(access, "git-upload-pack", place, undefined)
        : yes(`${name}: ${decided.says}`);
    case "compare":
    case "replace":
    case "register":
      if (reader === undefined || reader === "none") return unknown(name);
      return onlyReads(access, reader, place);
  }
}

/** Cloning must be possible, and pushing must not. */
async function onlyReads(
  access: HostAccess,
  reader: Parameters<typeof readerAuthorization>[1],
  place: Place,
): Promise<Answer> {
  const authorization = readerAuthorization(access, reader);
  const reads = await mayUseGit(access, "git-upload-pack", place, authorization);
  const user = reader.username ?? "the token";
  if (reads.verdict !== "yes") return { ...reads, says: `${user}: ${reads.says}` };
  const pushes = await mayUseGit(access, "git-receive-pack", place, authorization);
  return pushes.verdict === "yes" ? no(`${user} may also push to ${reads.says}`) : yes(`${reads.says} as ${user}`);
}
