// What Gantry's account may do at a git host. Cloning and pushing are the same everywhere; who may create repositories, each
// host answers in its own way (check.ts of its folder).

import { listOf } from "@gantry/core/app/apps-may.ts";
import type { GitSystem } from "@gantry/core/site/systems.ts";
import { type Answer, type Check, each, examine, type Place, unknown } from "../examine.ts";
import type { HostAccess } from "./host.ts";
import { openHost, openHostCheck } from "./hosts.ts";
import { type GitService, mayUseGit } from "./may-use.ts";

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
    status: () => each(known.repositories, "no app has a repository here yet", (one) => mayReport(access, one)),
  });
};

function mayUse(access: HostAccess, service: GitService, place: Place): Promise<Answer> {
  return mayUseGit(access, service, place, openHost(access).gitAuthorization());
}

/** Statuses are not required, so that a missing right is no fault. */
async function mayReport(access: HostAccess, place: Place): Promise<Answer> {
  const readIsEnough = access.system.provider === "bitbucket-dc";
  const answer = await mayUse(access, readIsEnough ? "git-upload-pack" : "git-receive-pack", place);
  if (answer.verdict === "yes") return answer;
  return unknown(`${answer.says}; CI and CD then log a warning in place of a status`);
}

/** Projects in which create-app may create repositories: `PROJECT/*` among what apps may have. */
function projectsOf(system: GitSystem): readonly string[] {
  const whole = listOf("repository", system).filter((one) => one.endsWith("/*"));
  return [...new Set(whole.map((one) => one.slice(0, -2)))].filter((one) => !/[*{]/.test(one));
}
