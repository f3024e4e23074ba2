// Where the deployments of a yaml repository run: by the Argo CD applications over them, else by the site or cluster that their
// path names. Pure.

import { plainPath } from "../app/places.ts";
import type { Application, Deployment, FoundApplications } from "./found.ts";

/** What the Argo CD of a site has. `ofOthers`: names of applications that other apps have. */
export type SiteFound = Pick<FoundApplications, "applications" | "clusters"> & {
  readonly site: string;
  readonly ofOthers?: readonly string[];
};

export type ClusterAt = { readonly site: string; readonly cluster: string };

export type Placed = {
  readonly deployment: Deployment;
  readonly site: string;
  /** As Argo CD names it; undefined when it is not known. */
  readonly cluster: string | undefined;
  /** Where it could be, if that is not clear. */
  readonly choices: readonly ClusterAt[];
  readonly application: Application | undefined;
  /** Others that deploy the same to the same place. */
  readonly rivals: readonly Application[];
  /** Why it is there. */
  readonly by: "application" | "path" | "default";
};

export type Placing = {
  readonly placed: readonly Placed[];
  /** They could be targets, too. */
  readonly left: readonly Placed[];
  /** Where applications of other apps deploy the same. */
  readonly ofOthers: readonly Placed[];
};

/** `build`: the site that builds the app, where a deployment is proposed that names no other one. */
export function placeDeployments(
  deployments: readonly Deployment[],
  sites: readonly SiteFound[],
  { build, names }: { readonly build: string; readonly names: readonly string[] },
): Placing {
  const running = deployments.flatMap((one) => placesByApplication(one, deployments, sites));
  const ofOthers = running.filter((one) => isOfOthers(one, sites));
  const byApplication = running.filter((one) => !ofOthers.includes(one));
  // A target where another app deploys the same already would run it twice.
  const rest = deployments.filter((one) => !running.some(({ deployment }) => deployment === one));
  const byPath = rest.flatMap((one) => placeByPath(one, sites) ?? []);
  const others = rest.filter((one) => !byPath.some(({ deployment }) => deployment === one));
  const byDefault = others
    .toSorted((a, b) => named(b, names) - named(a, names))
    .flatMap((one) => placeByDefault(one, sites, build) ?? []);
  const [placed = [], ...left] = [byApplication, byPath, byDefault].filter((one) => one.length > 0);
  // Nothing says that several of them run: they may be copies.
  if (placed === byDefault) return { placed: placed.slice(0, 1), left: placed.slice(1), ofOthers };
  const own = placed.filter((one, at) => !placed.slice(0, at).some((other) => isSameApplication(one, other)));
  return { placed: own, left: [...placed.filter((one) => !own.includes(one)), ...left.flat()], ofOthers };
}

function isOfOthers({ site, application }: Placed, sites: readonly SiteFound[]): boolean {
  const taken = sites.find((one) => one.site === site)?.ofOthers ?? [];
  return application !== undefined && taken.includes(application.name);
}

/** Two targets of an app never have one application. */
function isSameApplication(a: Placed, b: Placed): boolean {
  const nameOf = ({ application, deployment }: Placed) => application?.name ?? deployment.application?.name;
  return a.site === b.site && nameOf(a) !== undefined && nameOf(a) === nameOf(b);
}

/** Whether its path has the name of the app. */
function named({ path, files }: Deployment, names: readonly string[]): number {
  const parts = [path, ...files].flatMap((one) => one.split("/"));
  return Number(parts.some((part) => names.includes(part)));
}

function placesByApplication(
  deployment: Deployment,
  all: readonly Deployment[],
  sites: readonly SiteFound[],
): readonly Placed[] {
  return sites.flatMap(({ site, applications, clusters, ofOthers = [] }) => {
    const over = applications.filter((one) => isOver(one, deployment, all));
    const groups = Map.groupBy(over, ({ name, cluster, server, namespace }) =>
      JSON.stringify([cluster ?? server ?? "", namespace ?? "", ofOthers.includes(name)]),
    );
    return [...groups.values()].flatMap((group): readonly Placed[] => {
      const [first, ...rivals] = group.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      if (!first) return [];
      const { cluster } = first;
      return [
        {
          ...{ deployment, site, cluster, application: first, rivals, by: "application" },
          choices: cluster === undefined ? clusters.map((one) => ({ site, cluster: one })) : [],
        },
      ];
    });
  });
}

/** Whether the application deploys this. Charts are deployed by value files, several of which can belong to one chart. */
function isOver(application: Application, deployment: Deployment, all: readonly Deployment[]): boolean {
  if (deployment.form === "argocd") return application.name === deployment.application?.name;
  return application.sources.some(({ path, valueFiles }) => {
    if (deployment.form !== "helm") return path !== undefined && isSame(path, deployment.path);
    const named = valueFiles.map((file) => resolved(path ?? "", file));
    if (deployment.files.some((file) => named.some((one) => isSame(one, file)))) return true;
    if (path === undefined || !isSame(path, deployment.path)) return false;
    const ofChart = all.filter(({ form, path: other }) => form === "helm" && isSame(other, path));
    return named.length === 0 && ofChart.length === 1;
  });
}

/** A value file is below the folder of the application, unless it begins with the name of a source: `$values/prod.yaml`. */
function resolved(folder: string, file: string): string {
  const ofSource = /^\$[^/]+\/(.+)$/.exec(file)?.[1];
  const parts = (ofSource ?? (file.startsWith("/") ? file : `${folder}/${file}`)).split("/");
  const path: string[] = [];
  for (const part of parts) {
    if (part === "..") path.pop();
    else path.push(part);
  }
  return path.join("/");
}

function isSame(a: string, b: string): boolean {
  return plainPath(a) === plainPath(b);
}

function placeByPath(deployment: Deployment, sites: readonly SiteFound[]): Placed | undefined {
  const { path, files, application } = deployment;
  const parts = [path, ...files].flatMap((one) => one.split("/")).map((part) => part.replace(/\.ya?ml$/, ""));
  const hasWord = (word: string): boolean =>
    parts.some((part) => part === word || `-${part.replace(/[._]/g, "-")}-`.includes(`-${word}-`));
  const declared = application?.cluster;
  const clusters = sites.flatMap(({ site, clusters: all }) =>
    all
      .filter((one) => (declared === undefined ? hasWord(one) : one === declared))
      .map((cluster) => ({ site, cluster })),
  );
  const [only, second] = clusters;
  const common = { deployment, application: undefined, rivals: [], by: "path" } as const;
  if (only && !second) return { ...common, ...only, choices: [] };
  const [site, other] = sites.filter((one) => hasWord(one.site));
  if (!site || other) return undefined;
  return {
    ...common,
    ...atSite(
      site,
      clusters.filter((one) => one.site === site.site).map(({ cluster }) => cluster),
    ),
  };
}

function placeByDefault(deployment: Deployment, sites: readonly SiteFound[], build: string): Placed | undefined {
  const site = sites.find((one) => one.site === build) ?? sites[0];
  if (!site) return undefined;
  const here = atSite(site);
  const elsewhere = sites
    .filter((one) => one !== site)
    .flatMap((one) => choicesAt(one.site, dataPlanesOf(one.clusters)));
  const choices =
    elsewhere.length > 0 ? [...choicesAt(site.site, dataPlanesOf(site.clusters)), ...elsewhere] : here.choices;
  return { ...{ deployment, application: undefined, rivals: [], by: "default" }, ...here, choices };
}

function atSite(
  { site, clusters }: SiteFound,
  preferred: readonly string[] = [],
): Pick<Placed, "site" | "cluster" | "choices"> {
  const all = dataPlanesOf(preferred.length > 0 ? preferred : clusters);
  return { site, cluster: all[0], choices: all.length > 1 ? choicesAt(site, all) : [] };
}

/** The cluster that Argo CD itself runs in is a data plane only where there is no other. */
function dataPlanesOf(clusters: readonly string[]): readonly string[] {
  const outside = clusters.filter((one) => one !== "in-cluster");
  return (outside.length > 0 ? outside : clusters).toSorted();
}

function choicesAt(site: string, clusters: readonly string[]): readonly ClusterAt[] {
  return clusters.map((cluster) => ({ site, cluster }));
}
