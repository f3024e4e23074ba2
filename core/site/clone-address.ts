// Clone addresses of the repositories of a git host. Pure.

import type { GitSystem } from "./systems.ts";

type Host = Pick<GitSystem, "provider" | "url" | "cloneBase">;

export function cloneAddress(host: Host, project: string, slug: string): string {
  return `${folderOf(host, project)}${part(slug)}.git`;
}

/**
 * The repository of this project that has the address, with or without `.git`; undefined when none can have it. People may
 * have written the address for SSH: `ssh://git@host:7999/PROJECT/name.git`, `git@host:project/name.git`.
 */
export function slugAt(host: Host, project: string, address: string): string | undefined {
  const ssh = /^(?:ssh:\/\/)?[\w.-]+@(?<name>[\w.-]+)(?::\d+\/|[:/])(?<path>[^:]*)$/.exec(address)?.groups;
  const folder = ssh
    ? `${new URL(baseOf(host)).hostname}/${ownerOf(host, project)}/`
    : new URL(folderOf(host, project)).href;
  const path = ssh ? `${ssh.name}/${ssh.path}` : URL.canParse(address) ? new URL(address).href : "";
  if (!path.toLowerCase().startsWith(folder.toLowerCase())) return undefined;
  const slug = path
    .slice(folder.length)
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(slug) ? slug : undefined;
}

function folderOf(host: Host, project: string): string {
  return `${baseOf(host)}/${ownerOf(host, project)}/`;
}

function baseOf({ provider, url, cloneBase }: Host): string {
  return cloneBase ?? (provider === "bitbucket-dc" ? `${url}/scm` : url);
}

/** The part of an address before the name of the repository. */
function ownerOf({ provider }: Host, project: string): string {
  switch (provider) {
    case "bitbucket-dc":
      return part(project.toLowerCase());
    case "bitbucket-cloud":
      // A project is `workspace` or `workspace/KEY`; addresses have the workspace only.
      return part(project.split("/")[0] ?? "");
    case "github":
    case "gitea":
    case "gitee":
      return part(project);
    case "gitlab":
      // Groups are nested: `group/subgroup`.
      return project.split("/").map(part).join("/");
  }
}

/** One part of a path, never `.` or `..`. */
function part(name: string): string {
  return encodeURIComponent(name).replace(/^\.{1,2}$/, "%2E");
}
