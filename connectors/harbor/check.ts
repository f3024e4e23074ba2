// What Gantry's account may do in a Harbor and in its registry.

import { listOf } from "@gantry/core/app/apps-may.ts";
import type { HarborSystem } from "@gantry/core/site/systems.ts";
import { type Answer, type Check, each, examine, no, unknown, yes } from "../examine.ts";
import { siteRegistryOptions } from "../image/site-registry.ts";
import { mayPull, mayPush } from "../oci/may-use.ts";
import { createTransport } from "../oci/transport.ts";
import { createHarbor, type Project } from "./client.ts";

const NO_PROJECT = "no project of an app exists yet";
const NO_IMAGE = "no app has an image yet";

export const checkHarbor: Check<HarborSystem> = async (system, known, access) => {
  const harbor = createHarbor(system, access);
  const registry = createTransport(siteRegistryOptions(access, system));
  const existing: Project[] = [];
  return examine(
    "harbor",
    system,
    async () => {
      // The registry's own door takes users and robots alike; the API does not know robots as users.
      await (await registry({ method: "GET", address: "v2/", scopes: [], what: "sign in" })).body?.cancel();
      const found = await Promise.all(
        projectsOf(system, known.images).map((name) => harbor.findProject(name).catch(() => undefined)),
      );
      existing.push(...found.filter((one) => one !== undefined));
      return yes(`as ${system.username}`);
    },
    {
      project: () =>
        each(projectsOf(system, known.images), "`appsMay:` of the system names no project", async (name) => {
          if ((await harbor.findProject(name)) !== undefined) return yes(`${name} exists`);
          const may = await harbor.mayCreateProjects();
          if (may === undefined)
            return unknown(`${name} does not exist, and Harbor does not say whether a robot account may create it`);
          return may
            ? yes(`${name} does not exist yet, and it may create it`)
            : no(`${name} does not exist, and it may not create projects`);
        }),
      pull: () => each(known.images, NO_IMAGE, (repository) => mayPull(registry, repository)),
      push: () => each(existing, NO_PROJECT, ({ name }) => mayPush(registry, `${name}/gantry-check`)),
      scan: () =>
        each(existing, NO_PROJECT, async (project): Promise<Answer> => {
          const has = await harbor.permissionsIn(project);
          if (has === undefined) return unknown("Harbor does not tell a robot account what it may do");
          return has.includes("scan:create") ? yes(project.name) : no(`it may not start scans in ${project.name}`);
        }),
    },
    system.site === undefined ? undefined : ["pull"],
  );
};

/** The projects of the images of apps, and those that apps may have. */
function projectsOf(system: HarborSystem, images: readonly string[]): readonly string[] {
  const named = [...images, ...listOf("image", system)].map((one) => one.split("/")[0] ?? "");
  return [...new Set(named)].filter((one) => one !== "" && !/[*{]/.test(one));
}
