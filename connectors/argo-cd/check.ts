// What Gantry's account may do in an Argo CD.

import { listOf } from "@gantry/core/app/apps-may.ts";
import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { type Answer, type Check, each, examine, no, unknown, yes } from "../examine.ts";
import { checkGitAccess } from "./check-git.ts";
import { connect } from "./client.ts";

/** Stands for an app that does not exist yet, where no app tells which projects are used. */
const SAMPLE = "gantry-sample";

export const checkArgocd: Check<ArgocdSystem> = async (system, known, access) => {
  const argocd = connect(system, access);
  const listed = listOf("argocd-project", system).map((one) => one.replaceAll("{app}", SAMPLE).replaceAll("*", SAMPLE));
  const isSample = known.argocdProjects.length === 0;
  const projects = isSample ? [...new Set(listed)] : known.argocdProjects;

  const may = async (actions: readonly string[], resource: string, object: string): Promise<Answer> => {
    const given = await Promise.all(
      actions.map(async (action) => [action, await argocd.canI(action, resource, object)] as const),
    );
    const missing = given.flatMap(([action, isGiven]) => (isGiven ? [] : [action]));
    if (missing.length === 0) return yes(`${resource} ${object}`);
    const says = `it may not ${missing.join(", ")} ${resource} ${object}`;
    return isSample && object.includes(SAMPLE)
      ? unknown(`${says}, a name made up for this question, because there is no app yet`)
      : no(says);
  };
  const inProjects = (actions: readonly string[], resource: string, suffix = ""): Promise<Answer> =>
    each(projects, "`appsMay:` of the system names no project", (project) =>
      may(actions, resource, `${project}${suffix}`),
    );

  return examine(
    "argocd",
    system,
    async () => {
      const name = await argocd.userName();
      return name === undefined ? no("Argo CD does not know the token") : yes(`as ${name}`);
    },
    {
      clusters: async () => {
        const names = await argocd.clusterNames();
        if (names.length === 0) return no("it sees no cluster");
        const shown = names.toSorted().slice(0, 20).join(", ");
        const missing = known.clusters.filter((one) => !names.includes(one));
        if (missing.length === 0) return yes(`it sees ${shown}`);
        const hints = missing.map((one) => `${one}${didYouMean(one, names)}`);
        return no(`targets name ${hints.join(", ")}, but it sees ${shown}`);
      },
      projects: () => inProjects(["get", "create", "update"], "projects"),
      repositories: () => may(["get", "create", "update"], "repositories", "*"),
      git: () => checkGitAccess(argocd, system, known, access),
      applications: () => inProjects(["get", "create", "update"], "applications", "/*"),
      sync: () => inProjects(["sync", "override"], "applications", "/*"),
    },
  );
};
