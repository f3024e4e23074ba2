// What Argo CD and the configuration say about a repository, to decide with what Argo CD reads it.

import type { ArgocdSystem, GitReader } from "@gantry/core/site/systems.ts";
import type { HostAccess } from "../git/host.ts";
import { openHost } from "../git/hosts.ts";
import type { ArgoCd } from "./client.ts";
import { credentialOf, type RepositoryFacts } from "./decide-repository.ts";

type Place = { readonly project: string; readonly slug: string };

/** Changes nothing. Throws the errors of the client. */
export async function lookAtRepository(
  client: ArgoCd,
  argocd: ArgocdSystem,
  access: HostAccess,
  { project, slug }: Place,
): Promise<Omit<RepositoryFacts, "project">> {
  const host = openHost(access);
  const url = host.cloneUrl(project, slug);
  const there = await client.getRepository(url);
  const [others, templates] = there ? [[], []] : await Promise.all([client.listRepositories(), client.listTemplates()]);
  const own = credentialOf(host.gitAuthorization()).username;
  return { url, there, others, templates, reader: readerOf(access, argocd.git?.[access.system.name]), own };
}

function readerOf(access: HostAccess, reader: GitReader | undefined): RepositoryFacts["reader"] {
  if (reader === undefined) return undefined;
  return reader === "none" ? "public" : credentialOf(readerAuthorization(access, reader));
}

/** The account of Argo CD as this git host takes it from git, in the header Authorization. */
export function readerAuthorization(access: HostAccess, { username, password }: Exclude<GitReader, "none">): string {
  return openHost({ ...access, system: { ...access.system, username, token: password } }).gitAuthorization();
}
