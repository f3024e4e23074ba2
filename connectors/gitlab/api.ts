// How the API of GitLab is called.

import { type HostAccess, pathOf } from "../git/host.ts";
import { createHttp, type Http } from "../http.ts";

export function gitlabHttp({ system, fetch, signal }: HostAccess): Http {
  return createHttp({
    system: system.name,
    baseUrl: system.api ?? `${system.url}/api/v4`,
    headers: { authorization: `Bearer ${system.token}` },
    fetch,
    signal,
  });
}

/** The whole path is one part of the address. */
export function projectPath(project: string, slug: string): string {
  return `/projects/${pathOf(`${project}/${slug}`)}`;
}
