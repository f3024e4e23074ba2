// Which apps, sites and pipelines a rule covers, and whether a request is covered.

import { type Verb, verbEntry } from "./verbs.ts";

/** Patterns. A missing list means all of its kind, but see `covers`. */
export type Selector = {
  /** Names with `*`, `team:<team>` or `label:<name>=<value>`. */
  readonly apps?: readonly string[] | undefined;
  /** Names of sites with `*`; `seoul/prod-*` means only these clusters of the site. */
  readonly sites?: readonly string[] | undefined;
  readonly pipelines?: readonly string[] | undefined;
};

/** The action that a caller requests. */
export type RightRequest = {
  readonly verb: Verb;
  /** Undefined for a task without an app. */
  readonly app?: string | undefined;
  /** The team and labels of the app, as its record has them. */
  readonly team?: string | undefined;
  readonly labels?: { readonly [name: string]: string } | undefined;
  /** For verbs about sites. */
  readonly site?: string | undefined;
  /**
   * Where the work would run, or where what is changed is: a site, or `site/cluster` for what is deployed to a cluster.
   * `UNKNOWN_SITE` stands for sites that only the run itself decides. Undefined: not asked for.
   */
  readonly sites?: readonly string[] | undefined;
  /** The pipeline of the task, or the one to start. Undefined: the request is about the app itself. */
  readonly pipeline?: string | undefined;
};

/** Only the pattern `*` covers it, and every deny of a site touches it. */
export const UNKNOWN_SITE = "?";

/** Team → patterns of the names of its apps. */
export type Teams = { readonly [team: string]: readonly string[] };

/** `*` matches any number of characters, including none. */
export function matches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matches(pattern, text));
}

/** The name of the site in `site/cluster`, or in a pattern of it. */
export function siteOf(place: string): string {
  return place.split("/", 1)[0] ?? place;
}

/** The cluster in `site/cluster`. Names of clusters may be addresses, with `/`. */
function clusterOf(place: string): string | undefined {
  const slash = place.indexOf("/");
  return slash < 0 ? undefined : place.slice(slash + 1);
}

/** `cluster`: whether a pattern of clusters matches a place at the site that is in no cluster, such as a build. */
function matchesPlace(patterns: readonly string[], place: string, { cluster: isOpen }: { cluster: boolean }): boolean {
  const given = clusterOf(place);
  return patterns.some((pattern) => {
    const wanted = clusterOf(pattern);
    if (!matches(siteOf(pattern), siteOf(place))) return false;
    if (wanted === undefined) return true;
    return given === undefined ? isOpen && place !== UNKNOWN_SITE : matches(wanted, given);
  });
}

/** Whether a list of `apps` includes an app. No list includes a task without an app. */
export function matchesApp(
  patterns: readonly string[],
  { app, team, labels = {} }: Pick<RightRequest, "app" | "team" | "labels">,
  teams: Teams,
): boolean {
  if (app === undefined) return false;
  return patterns.some((pattern) => {
    if (pattern.startsWith("team:")) {
      const name = pattern.slice("team:".length);
      return name === team || matchesAny(Object.hasOwn(teams, name) ? (teams[name] ?? []) : [], app);
    }
    if (pattern.startsWith("label:")) {
      const [name = "", value = ""] = pattern.slice("label:".length).split("=");
      return Object.hasOwn(labels, name) && matches(value, labels[name] ?? "");
    }
    return matches(pattern, app);
  });
}

function namesNothing({ apps, sites, pipelines }: Selector): boolean {
  return apps === undefined && sites === undefined && pipelines === undefined;
}

/** Of a request on a site. */
function hasSite(selector: Selector, site: string | undefined): boolean {
  const { sites } = selector;
  return sites ? site !== undefined && matchesAny(wholeSites(sites), site) : namesNothing(selector);
}

/** A rule about clusters is not about the site itself and its runners. */
function wholeSites(sites: readonly string[]): readonly string[] {
  return sites.filter((one) => clusterOf(one) === undefined);
}

function hasPipeline({ pipelines }: Selector, pipeline: string | undefined): boolean {
  return pipelines === undefined || (pipeline !== undefined && matchesAny(pipelines, pipeline));
}

/**
 * Whether an allowing rule covers everything that a request is about. A rule that names apps or pipelines gives no rights on
 * sites, one that names only sites gives none on apps, and one that names anything gives none on the installation.
 */
export function covers(selector: Selector, request: RightRequest, teams: Teams): boolean {
  const { apps, sites, pipelines } = selector;
  const { site, pipeline, verb } = request;
  const { on, placed } = verbEntry(verb);
  if (on === "installation") return namesNothing(selector);
  if (on === "site") return hasSite(selector, site);
  const isOfPipeline = hasPipeline(selector, pipeline);
  if (on === "pipeline") return isOfPipeline && (sites === undefined || apps !== undefined || pipelines !== undefined);
  if (apps ? !matchesApp(apps, request, teams) : sites !== undefined) return false;
  // A caller who may see some tasks of an app may see the app.
  if (!isOfPipeline && !(verb === "view" && pipeline === undefined)) return false;
  if (sites === undefined) return true;
  return request.sites ? request.sites.every((one) => matchesPlace(sites, one, { cluster: true })) : !placed;
}

/** Whether an allowing rule can cover any request with this verb. */
export function coversSome(selector: Selector, verb: Verb): boolean {
  const { apps, sites, pipelines } = selector;
  const { on } = verbEntry(verb);
  if (on === "installation") return namesNothing(selector);
  if (on === "site") return sites ? wholeSites(sites).length > 0 : namesNothing(selector);
  return sites === undefined || apps !== undefined || (on === "pipeline" && pipelines !== undefined);
}

/** Whether a denying rule covers any part of what a request is about. */
export function touches(selector: Selector, request: RightRequest, teams: Teams): boolean {
  const { apps, sites } = selector;
  const { site, pipeline, verb } = request;
  const { on, placed } = verbEntry(verb);
  if (on === "installation") return namesNothing(selector);
  if (on === "site") return hasSite(selector, site);
  const isOfPipeline = hasPipeline(selector, pipeline);
  if (on === "pipeline") return isOfPipeline && apps === undefined && sites === undefined;
  if (!isOfPipeline || (apps && !matchesApp(apps, request, teams))) return false;
  if (sites === undefined) return true;
  if (!request.sites) return placed === true;
  return request.sites.some((one) => one === UNKNOWN_SITE || matchesPlace(sites, one, { cluster: false }));
}

/** Narrows what a token may do. A missing list allows everything of its kind. */
export type Scope = {
  readonly verbs?: readonly string[];
  /** As in `Selector`. */
  readonly apps?: readonly string[];
  readonly sites?: readonly string[];
};

/**
 * Whether a scope leaves any request with this verb. One that names apps or sites excludes requests about the whole
 * installation. One that names apps excludes changes of sites: who enrols a runner has a hand in all apps there.
 */
export function leaves({ verbs, apps, sites }: Scope, verb: Verb): boolean {
  const { on } = verbEntry(verb);
  if (verbs && !verbs.includes(verb)) return false;
  if (on === "installation") return apps === undefined && sites === undefined;
  return on !== "site" || apps === undefined || verb === "view-sites";
}

/** Whether a request is within the scope of a token. */
export function isInScope(scope: Scope, request: RightRequest, teams: Teams): boolean {
  const { apps, sites } = scope;
  const { on, placed } = verbEntry(request.verb);
  if (!leaves(scope, request.verb)) return false;
  if (on === "installation") return true;
  if (on === "site") return sites === undefined || (request.site !== undefined && matchesAny(sites, request.site));
  if (on === "pipeline") return true;
  if (apps && !matchesApp(apps, request, teams)) return false;
  if (sites === undefined) return true;
  return request.sites ? request.sites.every((one) => matchesAny(sites, siteOf(one))) : !placed;
}

/** Which lists of a deny say anything about a verb: with another one it would never apply. */
export function mayName(verb: Verb): readonly (keyof Selector)[] {
  const { on, placed } = verbEntry(verb);
  if (on === "installation") return [];
  if (on === "site") return ["sites"];
  if (on === "pipeline") return ["pipelines"];
  return placed ? ["apps", "sites", "pipelines"] : ["apps", "pipelines"];
}
