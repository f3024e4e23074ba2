// Clone addresses of the repositories of a git host. Pure.

import type { GitSystem } from "./systems.ts";

type Host = Pick<GitSystem, "provider" | "url" | "cloneBase">;

export function cloneAddress(host: Host, project: string, slug: string): string {
  return `${folderOf(host, project)}${part(slug)}.git`;
}

/** The repository of this project that has the address, with or without `.git`; undefined when none can have it. */
export function slugAt(host: Host, project: string, address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const [path, folder] = [new URL(address).href, new URL(folderOf(host, project)).href];
  if (!path.toLowerCase().startsWith(folder.toLowerCase())) return undefined;
  const slug = path
    .slice(folder.length)
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(slug) ? slug : undefined;
}

function folderOf({ provider, url, cloneBase }: Host, project: string): string {
  switch (provider) {
    case "bitbucket-dc":
      return `${cloneBase ?? `${url}/scm`}/${part(project.toLowerCase())}/`;
    case "bitbucket-cloud":
      // A project is `workspace` or `workspace/KEY`; addresses have the workspace only.
      return `${cloneBase ?? url}/${part(project.split("/")[0] ?? "")}/`;
    case "github":
    case "gitea":
    case "gitee":
      return `${cloneBase ?? url}/${part(project)}/`;
    case "gitlab":
      // Groups are nested: `group/subgroup`.
      return `${cloneBase ?? url}/${project.split("/").map(part).join("/")}/`;
  }
}

/** One part of a path, never `.` or `..`. */
function part(name: string): string {
  return encodeURIComponent(name).replace(/^\.{1,2}$/, "%2E");
}
