// What a task of the pipeline discover-app has found, as a proposal; and where such a task may look. Pure.

import { claimProblems, type ReportedSystem } from "@gantry/core/app/apps-may.ts";
import { hostProblem, pointerOf, siteProblem } from "@gantry/core/app/read-app.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { foundApplications, foundDeployments, foundImages } from "@gantry/core/proposal/found.ts";
import { type Looked, proposeApp } from "@gantry/core/proposal/propose-app.ts";
import type { JobState, TaskState } from "@gantry/core/task/model.ts";
import type { AppProposal, StartProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import { z } from "zod";

export type SitesToLook = {
  readonly sites: readonly Pick<SiteView, "name" | "state" | "systems">[];
  readonly systemsAt: ((site: string) => readonly ReportedSystem[]) | undefined;
};

/** `buildSites`: those that could build the app; empty if a person has chosen the site. */
export type LookAt = {
  readonly site: string;
  readonly buildSites: readonly string[];
  readonly argocdSites: readonly string[];
};

/** The parameters of the task, or why it may not look: `bad-request` with pointers into the request. */
export function decideLook(request: StartProposal, { sites, systemsAt }: SitesToLook): LookAt | GantryError {
  const { sites: allowed } = request;
  const problemsAt = (site: string): readonly Problem[] => {
    const hosts = hostProblems(
      request,
      site,
      sites.find(({ name }) => name === site),
    );
    return hosts.length > 0 ? hosts : placeProblems(request, site, systemsAt);
  };
  const usable = sites.filter(({ name, state }) => state === "online" && (allowed?.includes(name) ?? true));
  const argocdSites = usable.filter((one) => hasKind(one, ["argocd"])).map(({ name }) => name);
  if (request.site !== undefined) {
    const detail = siteDetail(request.site, usable, sites);
    if (detail !== undefined) return refused([{ pointer: "/site", detail }]);
    const problems = problemsAt(request.site);
    return problems.length > 0 ? refused(problems) : { site: request.site, buildSites: [], argocdSites };
  }
  const { system } = request.source;
  const able = usable.filter((one) => hasGit(one, system) && hasKind(one, ["harbor", "registry"]));
  const names = able.map(({ name }) => name).toSorted();
  const [first] = names;
  if (first === undefined) return refused([{ pointer: "/source/system", detail: noSite(system, usable) }]);
  const buildSites = names.filter((one) => problemsAt(one).length === 0);
  const [site] = buildSites;
  return site === undefined ? refused(problemsAt(first)) : { site, buildSites, argocdSites };
}

/** Git hosts of the request that the site does not have. */
function hostProblems(
  { source, yaml }: StartProposal,
  site: string,
  at: SitesToLook["sites"][number] | undefined,
): readonly Problem[] {
  return Object.entries({ source: source.system, yaml: yaml?.system ?? source.system }).flatMap(([field, system]) => {
    const detail = hostProblem(system, site, () => at?.systems ?? []);
    return detail === undefined || (field === "yaml" && yaml?.system === undefined)
      ? []
      : [{ pointer: `/${field}/system`, detail }];
  });
}

function siteDetail(site: string, usable: SitesToLook["sites"], all: SitesToLook["sites"]): string | undefined {
  const names = usable.map(({ name }) => name);
  if (names.includes(site)) return undefined;
  const isOffline = all.some(({ name, state }) => name === site && state !== "online");
  return isOffline ? `no runner of the site ${site} is online` : siteProblem(site, names);
}

type Problem = { readonly pointer: string; readonly detail: string };

function refused(problems: readonly Problem[]): GantryError {
  return new GantryError(
    "bad-request",
    { problem: problems[0]?.detail ?? "it cannot be looked at" },
    { problems: problems.map(({ pointer, detail }) => ({ pointer, detail: `${detail}.` })) },
  );
}

function noSite(system: string, usable: SitesToLook["sites"]): string {
  const hosts = [
    ...new Set(usable.flatMap((one) => one.systems.flatMap(({ name, kind }) => (kind === "git" ? [name] : [])))),
  ];
  const known = hosts.length === 0 ? "" : `; git hosts: ${hosts.toSorted().join(", ")}`;
  return `no site with a registry and a runner that is online has a git host ${system}${known}`;
}

function hasGit({ systems }: SitesToLook["sites"][number], system: string): boolean {
  return systems.some(({ kind, name }) => kind === "git" && name === system);
}

function hasKind({ systems }: SitesToLook["sites"][number], kinds: readonly string[]): boolean {
  return systems.some(({ kind }) => kinds.includes(kind));
}

/** What an app that names these repositories would be refused for. A proposal shows what is in them. */
function placeProblems(
  { name, source, yaml }: StartProposal,
  site: string,
  systemsAt: SitesToLook["systemsAt"],
): readonly Problem[] {
  const places = { source: plain(source), ...(yaml ? { yaml: plain({ system: source.system, ...yaml }) } : {}) };
  const after = { ...places, build: { site } };
  return claimProblems({ name, before: {}, after, systemsAt })
    .filter(({ path: [field] }) => field === "source" || field === "yaml")
    .map(({ path, detail }) => ({ pointer: pointerOf(path), detail }));
}

function plain({
  system = "",
  project,
  slug,
}: {
  readonly system?: string | undefined;
  readonly project: string;
  readonly slug: string;
}) {
  return { system, project, slug };
}

/** The values of the parameters of discover-app. */
export function paramsOf(
  request: StartProposal,
  { site, buildSites, argocdSites }: LookAt,
): Record<string, string | string[]> {
  const { name, title = "", team = "", source, yaml } = request;
  const { system, project, slug, branch = "", folder = "" } = source;
  return {
    ...{ name, title, team, site, system, project, slug, branch, folder },
    ...{ buildSites: [...buildSites], argocdSites: [...argocdSites] },
    ...(yaml
      ? {
          yamlSystem: yaml.system ?? system,
          yamlProject: yaml.project,
          yamlSlug: yaml.slug,
          yamlBranch: yaml.branch ?? "",
          yamlFolder: yaml.folder ?? "",
        }
      : {}),
  };
}

/** The Argo CD applications that the task has found. */
export function applicationsFoundBy({ jobs }: TaskState): readonly { readonly site: string; readonly name: string }[] {
  return Object.values(jobs).flatMap((job) => {
    const found = job.id === "applications" ? foundApplications.safeParse(outputOf(job, "find")) : undefined;
    return found?.success ? found.data.applications.map(({ name }) => ({ site: job.site, name })) : [];
  });
}

/**
 * `environments`: those that the definitions declare. `isOfOther`: whether an app other than the proposed one has the Argo CD
 * application.
 */
export function proposalOf(
  task: TaskState,
  environments: readonly string[],
  isOfOther: (site: string, application: string) => boolean = () => false,
): AppProposal {
  const { params } = task;
  const team = textAt(params, "team");
  const source = { system: textAt(params, "system"), project: textAt(params, "project"), slug: textAt(params, "slug") };
  const yaml = {
    system: textAt(params, "yamlSystem"),
    project: textAt(params, "yamlProject"),
    slug: textAt(params, "yamlSlug"),
  };
  const given = yaml.slug === "" ? {} : { yaml };
  const common = {
    ...{ id: task.id, name: textAt(params, "name"), site: textAt(params, "site"), source, ...given },
    ...(team === "" ? {} : { team }),
  };
  const nothing = { found: [], open: [], warnings: [] };
  if (task.phase !== "ended") return { ...common, state: "running", ...nothing };
  const looked = lookedBy(
    task,
    { ...common, yaml: given.yaml, title: textAt(params, "title") || undefined },
    { environments, isOfOther },
  );
  if (!looked) return { ...common, state: "failed", problem: problemOf(task), ...nothing };
  const { app, found, open, warnings } = proposeApp(looked);
  const made: Pick<AppProposal, "app" | "found" | "open" | "warnings"> = JSON.parse(
    JSON.stringify({ app, found, open, warnings }),
  );
  return { ...common, state: "ready", ...made };
}

const checkedOut = z.object({ branch: z.string() });

/** Undefined if the repositories could not be read. An Argo CD that could not be asked is told, and is no failure. */
function lookedBy(
  task: TaskState,
  request: Looked["request"],
  known: {
    readonly environments: readonly string[];
    readonly isOfOther: (site: string, application: string) => boolean;
  },
): Looked | undefined {
  const jobs = Object.values(task.jobs);
  const job = jobs.find(({ id, outcome }) => id === "repositories" && outcome === "succeeded");
  const images = foundImages.safeParse(outputOf(job, "images"));
  const yaml = foundDeployments.safeParse(outputOf(job, "deployments"));
  const source = checkedOut.safeParse(outputOf(job, "source"));
  if (!images.success || !yaml.success || !source.success) return undefined;
  const own = checkedOut.safeParse(outputOf(job, "yaml"));
  const asked = jobs
    .filter(({ id }) => id === "applications")
    .map((one) => ({ one, found: foundApplications.safeParse(outputOf(one, "find")) }));
  const { buildSites } = task.params;
  const { environments, isOfOther } = known;
  return {
    ...{ request, environments },
    buildSites: Array.isArray(buildSites) ? (buildSites as readonly JsonValue[]).map(String) : [],
    branches: {
      source: source.data.branch,
      yaml: own.success ? own.data.branch : source.data.branch,
      isGiven: textAt(task.params, "branch") !== "",
    },
    images: images.data,
    yaml: yaml.data,
    sites: asked.flatMap(({ one: { site }, found }) => {
      if (!found.success) return [];
      const ofOthers = found.data.applications.map(({ name }) => name).filter((name) => isOfOther(site, name));
      return [{ site, ...found.data, ofOthers }];
    }),
    unasked: asked.flatMap(({ one, found }) =>
      found.success ? [] : [{ site: one.site, problem: one.failure?.message ?? "The job did not end." }],
    ),
  };
}

function problemOf({ failure, outcome }: TaskState): string {
  if (!failure) return `The task ended as ${outcome ?? "unknown"}.`;
  return [failure.message, failure.why, failure.todo].filter((one) => one !== undefined && one !== "").join(" ");
}

function outputOf(job: JobState | undefined, step: string): unknown {
  return job?.steps.find(({ id }) => id === step)?.outputs;
}

function textAt(params: JsonObject, name: string): string {
  const value = params[name];
  return typeof value === "string" ? value : "";
}
