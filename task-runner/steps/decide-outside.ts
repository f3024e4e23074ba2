// Decides whether a step may act on something with the credentials of the site. These have access to more than the app of
// the task, so the decision uses the app's record that the task-agent has pinned in the job, never the input of the step.
// Pure.

import { mayHave, namesOf, SYSTEMS_OF, type SystemLists } from "@gantry/core/app/apps-may.ts";
import type { ClaimKind } from "@gantry/core/app/claims.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { slugAt } from "@gantry/core/site/clone-address.ts";
import { otherSiteOf, type SystemKind } from "@gantry/core/site/systems.ts";
import { type Resource, type ResourceKind, resourceInWords } from "@gantry/core/step/resource.ts";
import type { JobSpec } from "@gantry/wire/runner/protocol.ts";
import { z } from "zod";
import type { RunnerConfig } from "../config.ts";

export type Bounds = {
  readonly spec: Pick<JobSpec, "app" | "definition" | "scope" | "site">;
  /** The step has `scope: site`. */
  readonly isSiteWide: boolean;
  readonly config: Pick<RunnerConfig, "shared" | "systems">;
  /** What earlier steps of this job have created. */
  readonly made: readonly Resource[];
};

const text = z.string().optional();
const repository = z.object({ system: text, project: z.string(), slug: z.string() }).optional().catch(undefined);
/** The part of an app's record that lists what belongs to it. Parts that are absent or malformed add nothing. */
const recordSchema = z.object({
  name: z.string(),
  source: repository,
  yaml: repository,
  image: z.object({ system: text, repository: z.string() }).optional().catch(undefined),
  /** For an app with several. */
  images: z
    .array(z.object({ system: text, repository: z.string() }))
    .optional()
    .catch(undefined),
  harbor: z.object({ system: text, project: z.string() }).optional().catch(undefined),
  jira: z.object({ system: text, key: z.string() }).optional().catch(undefined),
  /** Its projects in other systems, if they are not named like the app. */
  argocd: z.object({ project: z.string() }).optional().catch(undefined),
  sonarqube: z.object({ project: z.string() }).optional().catch(undefined),
  build: z.object({ site: z.string() }).optional().catch(undefined),
  namespace: z.string().optional().catch(undefined),
  formerNames: z.array(z.string()).optional().catch(undefined),
  targets: z
    .array(z.object({ name: z.string(), site: z.string(), cluster: z.string(), namespace: text, application: text }))
    .default([])
    .catch([]),
});
type AppRecord = z.output<typeof recordSchema>;

/**
 * Why these may not be used, as sentences for people; undefined if they may. Definitions of the platform team with `scope:
 * site` or without an app are not limited, except for what they use `forApp`.
 */
export function outsideApp(bounds: Bounds, resources: readonly Resource[]): string | undefined {
  const { definition, site } = bounds.spec;
  const refused = resources.find((one) => !mayAdopt(one, bounds.config));
  if (refused) return unlisted(refused);
  if (definition === undefined) return undefined;
  if (definition.origin === "platform" && (bounds.isSiteWide || definition.app === "none")) return undefined;
  const app = recordOf(bounds.spec);
  if (definition.origin === "app") {
    if (bounds.isSiteWide) return "An app's own pipeline may not use `scope: site`.";
    if (!app || definition.app !== "existing") return "An app's own pipeline runs for this app only.";
    const sites = new Set([app.build?.site, ...app.targets.map((one) => one.site)]);
    if (resources.some(({ access }) => access === "merge"))
      return "An app's own pipeline may not let Gantry merge a pull request: only the pipelines of the platform team may.";
    const foreign = resources.find(
      (one) => one.kind === "commit-status" && !isOwnStatus(one.name, app.name, definition),
    );
    if (foreign)
      return `An app's own pipeline may not set ${resourceInWords(foreign)}: rules of the git host may ask for it. Names that begin with ${ownStatuses(app.name)} are its own.`;
    if (resources.length > 0 && !sites.has(site)) return `The app ${app.name} neither builds nor runs at site ${site}.`;
  }
  for (const resource of resources) {
    const problem = problemOf(bounds, app, resource);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function ownStatuses(app: string): string {
  return `gantry/own/${app}/`;
}

/** That of CI only for the pipeline that is its CI. */
function isOwnStatus(name: string, app: string, { action }: NonNullable<Bounds["spec"]["definition"]>): boolean {
  return name.startsWith(ownStatuses(app)) || (action === "ci" && name === `gantry/ci/${app}`);
}

/** What is read for an app that does not exist yet. */
function mayAdopt(resource: Resource, config: Bounds["config"]): boolean {
  if (resource.forApp === undefined) return true;
  if (resource.kind !== "repository") return false;
  const lists = systemOf("repository", resource, config);
  return lists === undefined || mayHave("repository", `${resource.project}/${resource.slug}`, lists, [resource.forApp]);
}

/** Whether an app's own pipeline may use this secret. Definitions of the platform team may use every secret. */
export function mayNameSecret(
  { definition, app }: Bounds["spec"],
  secret: { readonly apps?: readonly string[] | undefined },
): boolean {
  return definition?.origin !== "app" || (app !== undefined && (secret.apps ?? []).includes(app));
}

function problemOf(bounds: Bounds, app: AppRecord | undefined, resource: Resource): string | undefined {
  const { spec, made, config } = bounds;
  const isNew = spec.definition?.app === "new" && spec.definition.origin === "platform";
  if (isNew && (resource.access === "create" || made.some((one) => isSame(one, resource))))
    return mayCreate(spec.app ?? "", resource, config) ? undefined : unlisted(resource);
  if (app && belongs(app, resource, bounds))
    return isListed(app, resource, config) || (resource.access === "read" && isShared(resource, config))
      ? undefined
      : unlisted(resource);
  if (resource.access === "read" && isShared(resource, config)) return undefined;
  const owned = app ? ownedInWords(app, resource.kind) : undefined;
  const has = owned === undefined ? "" : ` Its own: ${owned}.`;
  return `${capital(resourceInWords(resource))} does not belong to the app ${spec.app ?? "of this task"}.${has}`;
}

/** The record also contains the app's own name: a scope for another app does not count. */
function recordOf({ app, scope }: Bounds["spec"]): AppRecord | undefined {
  const parsed = recordSchema.safeParse((scope as JsonObject).app);
  return parsed.success && parsed.data.name === app ? parsed.data : undefined;
}

function belongs(app: AppRecord, resource: Resource, { config, spec }: Pick<Bounds, "config" | "spec">): boolean {
  // Images are copied from the registry of another site, and only that site writes to it.
  const settings = resource.system === undefined ? undefined : config.systems[resource.system];
  if (settings && otherSiteOf(settings) !== undefined && resource.access !== "read") return false;
  const at = (kind: ClaimKind, recorded: string | undefined): boolean =>
    recorded === undefined || recorded === (resource.system ?? onlySystem(SYSTEMS_OF[kind], config));
  switch (resource.kind) {
    case "repository":
      return repositoriesOf(app).some((one) => isSameRepository(one, resource) && at("repository", one.system));
    case "clone-url":
      return repositoriesOf(app).some((one) =>
        gitHosts(config, one.system).some((host) => sameText(slugAt(host, one.project, resource.url), one.slug)),
      );
    case "image":
      return imagesOf(app).some(
        ({ repository, system }) => repository === resource.repository && at("image", system ?? app.harbor?.system),
      );
    case "image-project":
      return resource.project === app.harbor?.project && at("image", app.harbor.system);
    case "argocd-project":
      return resource.project === argocdProjectOf(app);
    case "argocd-application":
      return resource.project === argocdProjectOf(app) && applicationsOf(app).includes(resource.app);
    case "destination":
      // Clusters of several sites may have the same name: many are called in-cluster.
      return app.targets.some(
        ({ site, cluster, namespace = app.namespace }) =>
          site === spec.site &&
          cluster === resource.cluster &&
          (resource.namespace === undefined || resource.namespace === namespace),
      );
    case "jira-project":
      return resource.key === app.jira?.key && at("jira-project", app.jira.system);
    case "sonarqube-project":
      // Branches may have their own projects: `orders:feature-x`.
      return resource.key === sonarqubeProjectOf(app) || resource.key.startsWith(`${sonarqubeProjectOf(app)}:`);
    case "commit-status":
      return true;
    case "site-accounts":
      return false;
  }
}

/** Whether the site lets apps have it, whatever the record says: see core/app/apps-may.ts. */
function isListed(app: AppRecord, resource: Resource, config: Bounds["config"]): boolean {
  const names = namesOf(app.name, app);
  const may = (kind: ClaimKind, name: string, lists: SystemLists | undefined = systemOf(kind, resource, config)) =>
    lists === undefined || mayHave(kind, name, lists, names);
  switch (resource.kind) {
    case "repository":
      return may("repository", `${resource.project}/${resource.slug}`);
    case "clone-url":
      return repositoriesOf(app).some((one) =>
        gitHosts(config, one.system).some(
          (host) =>
            sameText(slugAt(host, one.project, resource.url), one.slug) &&
            may("repository", `${one.project}/${one.slug}`, host),
        ),
      );
    case "image":
      return may("image", resource.repository);
    case "image-project":
      return imagesOf(app).some(
        ({ repository }) => repository.startsWith(`${resource.project}/`) && may("image", repository),
      );
    case "argocd-project":
    case "argocd-application":
      return may("argocd-project", resource.project);
    case "destination":
      return resource.namespace === undefined || may("namespace", resource.namespace);
    case "jira-project":
      return may("jira-project", resource.key);
    case "sonarqube-project":
      return may("sonarqube-project", sonarqubeProjectOf(app));
    case "commit-status":
      return true;
    case "site-accounts":
      return false;
  }
}

/** What a new app gets: by its name, and a Jira project that nobody listed is new. */
function mayCreate(app: string, resource: Resource, config: Bounds["config"]): boolean {
  if (resource.kind === "repository") {
    const lists = systemOf("repository", resource, config);
    return lists === undefined || mayHave("repository", `${resource.project}/${resource.slug}`, lists, [app]);
  }
  if (resource.kind !== "jira-project") return true;
  const lists = systemOf("jira-project", resource, config);
  return lists?.appsMay === undefined || mayHave("jira-project", resource.key, lists, [app]);
}

/** The settings of the system that the resource is in. Undefined where the step will not find it either. */
function systemOf(kind: ClaimKind, { system }: Resource, config: Bounds["config"]): SystemLists | undefined {
  const name = system ?? onlySystem(SYSTEMS_OF[kind], config);
  const settings = name === undefined || !Object.hasOwn(config.systems, name) ? undefined : config.systems[name];
  return settings?.kind === "nexus" ? undefined : settings;
}

function unlisted(resource: Resource): string {
  const list = resource.kind === "destination" ? "namespaces" : "appsMay";
  return `The site does not let apps have ${resourceInWords(resource)}: \`${list}\` of the system in the runner's configuration does not list it. A list replaces the default.`;
}

function isShared(resource: Resource, { shared, systems }: Bounds["config"]): boolean {
  switch (resource.kind) {
    case "repository":
      return shared.repositories.some((pattern) => fits(pattern, `${resource.project}/${resource.slug}`));
    case "clone-url":
      return shared.repositories.some((pattern) => {
        const project = pattern.slice(0, pattern.lastIndexOf("/"));
        return gitHosts({ systems }, undefined).some((host) => {
          const slug = slugAt(host, project, resource.url);
          return slug !== undefined && fits(pattern, `${project}/${slug}`);
        });
      });
    case "image":
      return shared.images.some((pattern) => fits(pattern, resource.repository));
    default:
      return false;
  }
}

/** `LIBS/*` matches every name in LIBS, but no path that leads out of it. */
function fits(pattern: string, name: string): boolean {
  if (name.split("/").some((part) => ["", ".", ".."].includes(part))) return false;
  return pattern.endsWith("/*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function repositoriesOf({ source, yaml }: AppRecord): readonly NonNullable<AppRecord["source"]>[] {
  return [source, yaml].filter((one) => one !== undefined);
}

function imagesOf({ image, images = [] }: AppRecord): readonly NonNullable<AppRecord["image"]>[] {
  return image ? [image, ...images] : images;
}

function applicationsOf({ name, targets }: AppRecord): readonly string[] {
  const byName = targets.flatMap((target) => [`${name}-${target.cluster}`, `${name}-${target.name}`]);
  return [...new Set([name, ...targets.flatMap(({ application }) => application ?? []), ...byName])];
}

function argocdProjectOf({ name, argocd }: AppRecord): string {
  return argocd?.project ?? name;
}

function sonarqubeProjectOf({ name, sonarqube }: AppRecord): string {
  return sonarqube?.project ?? name;
}

type Place = { readonly project: string; readonly slug: string };

/** Git hosts ignore the case of repository names. */
function isSameRepository(one: Place, other: Place): boolean {
  return sameText(one.project, other.project) && sameText(one.slug, other.slug);
}

function sameText(one: string | undefined, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}

function isSame(one: Resource, other: Resource): boolean {
  if (one.system !== other.system) return false;
  if (one.kind === "repository" && other.kind === "repository") return isSameRepository(one, other);
  return one.kind === "jira-project" && other.kind === "jira-project" && one.key === other.key;
}

type GitSettings = Extract<RunnerConfig["systems"][string], { kind: "git" }>;

function gitHosts({ systems }: Pick<Bounds["config"], "systems">, name: string | undefined): readonly GitSettings[] {
  return Object.entries(systems).flatMap(([one, settings]) =>
    settings.kind === "git" && (name === undefined || one === name) ? [settings] : [],
  );
}

/** The system that a step gets if it names none: the only one of the first kind that the site has. */
function onlySystem(kinds: readonly SystemKind[], { systems }: Pick<Bounds["config"], "systems">): string | undefined {
  const named = (kind: SystemKind): readonly string[] =>
    Object.entries(systems).flatMap(([name, settings]) =>
      settings.kind === kind && otherSiteOf(settings) === undefined ? [name] : [],
    );
  const names = kinds.map(named).find((one) => one.length > 0) ?? [];
  return names.length === 1 ? names[0] : undefined;
}

function ownedInWords(app: AppRecord, kind: ResourceKind): string | undefined {
  const repositories = repositoriesOf(app).map(({ project, slug }) => `${project}/${slug}`);
  const owned: { readonly [K in ResourceKind]: readonly (string | undefined)[] } = {
    repository: repositories,
    "clone-url": repositories,
    image: imagesOf(app).map(({ repository: name }) => name),
    "image-project": [app.harbor?.project],
    "argocd-project": [argocdProjectOf(app)],
    "argocd-application": applicationsOf(app),
    destination: app.targets.map(({ cluster, namespace = app.namespace ?? "?" }) => `${namespace} on ${cluster}`),
    "jira-project": [app.jira?.key],
    "sonarqube-project": [sonarqubeProjectOf(app)],
    "commit-status": [],
    "site-accounts": [],
  };
  const names = [...new Set(owned[kind].filter((one) => one !== undefined))];
  return names.length === 0 ? undefined : names.slice(0, 10).join(", ");
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
