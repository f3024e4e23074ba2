// Whether an account may clone from or push to a repository, as git itself would find out.

import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { tlsProblem } from "../certificate.ts";
import { type Answer, no, type Place, unknown, yes } from "../examine.ts";
import type { HostAccess } from "./host.ts";
import { openHost } from "./hosts.ts";

/** `git-upload-pack`: a clone. `git-receive-pack`: a push. */
export type GitService = "git-upload-pack" | "git-receive-pack";

/**
 * The first request of a clone or push. The host checks the rights, and nothing is read or changed. `authorization`: the value
 * of the header; undefined for nobody's. Rejects only when the signal aborts.
 */
export async function mayUseGit(
  access: HostAccess,
  service: GitService,
  { project, slug }: Place,
  authorization: string | undefined,
): Promise<Answer> {
  const { fetch, signal } = access;
  const name = `${project}/${slug}`;
  try {
    const answer = await fetch(`${openHost(access).cloneUrl(project, slug)}/info/refs?service=${service}`, {
      headers: { "git-protocol": "version=2", ...(authorization === undefined ? {} : { authorization }) },
      redirect: "manual",
      signal,
    });
    await answer.body?.cancel();
    if (answer.ok) return yes(name);
    if (answer.status === 404) return no(`${name} does not exist, or the account may not see it`);
    if (answer.status === 401 || answer.status === 403) return no(`the host refuses ${name} (status ${answer.status})`);
    return unknown(`status ${answer.status} for ${name}`);
  } catch (error) {
    signal.throwIfAborted();
    return no(`${name}: ${tlsProblem(error) ?? connectionProblem(error)}`);
  }
}
