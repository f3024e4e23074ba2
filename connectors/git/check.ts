// What Gantry's account may do at a git host. Cloning and pushing are the same everywhere; who may create repositories, each
// host answers in its own way (check.ts of its folder).

import { listOf } from "@gantry/core/app/apps-may.ts";
import type { GitSystem } from "@gantry/core/site/systems.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { bitbucketCloudCheck } from "../bitbucket-cloud/check.ts";
import { bitbucketDcCheck } from "../bitbucket-dc/check.ts";
import { tlsProblem } from "../certificate.ts";
import { type Answer, type Check, each, examine, no, type Place, unknown, yes } from "../examine.ts";
import { githubCheck } from "../github/check.ts";
import type { HostAccess, HostCheck } from "./host.ts";
import { openHost } from "./hosts.ts";

export const checkGit: Check<GitSystem> = async (system, known, { fetch, signal }) => {
  const access: HostAccess = { system, fetch, signal };
  const host = openHostCheck(access);
  const projects = projectsOf(system);
  return examine("git", system, () => host.login(projects[0] ?? known.repositories[0]?.project), {
    create: () => each(projects, "`appsMay:` of the system names no project as `PROJECT/*`", host.mayCreate),
    clone: () =>
      each(known.repositories, "no app has a repository here yet", (one) => mayUse(access, "git-upload-pack", one)),
    push: () =>
      each(known.pushed, "no app has a yaml repository here yet", (one) => mayUse(access, "git-receive-pack", one)),
  });
};

function openHostCheck(access: HostAccess): HostCheck {
  switch (access.system.provider) {
    case "bitbucket-dc":
      return bitbucketDcCheck(access);
    case "bitbucket-cloud":
      return bitbucketCloudCheck(access);
    case "github":
      return githubCheck(access);
  }
}

/** The first request of a clone or push. The host checks the rights, and nothing is read or changed. */
async function mayUse(
  { system, fetch, signal }: HostAccess,
  service: "git-upload-pack" | "git-receive-pack",
  { project, slug }: Place,
): Promise<Answer> {
  const host = openHost({ system, fetch, signal });
  const name = `${project}/${slug}`;
  try {
    const answer = await fetch(`${host.cloneUrl(project, slug)}/info/refs?service=${service}`, {
      headers: { authorization: host.gitAuthorization(), "git-protocol": "version=2" },
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

/** Projects in which create-app may create repositories: `PROJECT/*` among what apps may have. */
function projectsOf(system: GitSystem): readonly string[] {
  const whole = listOf("repository", system).filter((one) => one.endsWith("/*"));
  return [...new Set(whole.map((one) => one.slice(0, -2)))].filter((one) => !/[*{]/.test(one));
}
