// Reads the fields of an app. Every mistake is reported at its place. Pure.

import { describeIssues, type IssueContext, type Path, type PathProblem } from "../issues.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { didYouMean } from "../suggest.ts";
import { recordOf } from "./app-record.ts";
import { type AppFields, appShape } from "./app-shape.ts";
import { placesOf } from "./places.ts";

export type ReadApp =
  | { readonly ok: true; readonly fields: AppFields }
  | { readonly ok: false; readonly problems: readonly PathProblem[] };

export function readApp(name: string, value: unknown, whole = "the app"): ReadApp {
  const parsed = appShape.safeParse(value);
  if (!parsed.success) return { ok: false, problems: describeIssues(parsed.error.issues, value, contextOf(whole)) };
  const problems = ownPlaces(name, parsed.data);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, fields: parsed.data };
}

/** Two targets of one app in the same place, or with the same Argo CD application. */
function ownPlaces(name: string, fields: AppFields): readonly PathProblem[] {
  const places = placesOf(name, recordOf(name, fields));
  return places.flatMap(({ key, target, words }, at): PathProblem[] => {
    const first = places.find((one) => one.key === key);
    if (first === undefined || places.indexOf(first) === at) return [];
    const isName = key.startsWith('["application"');
    const detail = `${words} is also that of the target ${first.target}${isName ? "; give `application`" : ""}`;
    const index = fields.targets.findIndex((one) => one.name === target);
    return [{ path: ["targets", index, isName ? "application" : "name"], detail, on: "value" }];
  });
}

export type SiteFacts = {
  /** Sites that runners serve; undefined when unknown. */
  readonly sites: readonly string[] | undefined;
};

/** Sites that do not exist. */
export function siteProblems(
  fields: Pick<AppFields, "build" | "targets">,
  { sites }: SiteFacts,
): readonly PathProblem[] {
  if (sites === undefined) return [];
  const named = [
    { path: ["build", "site"] as Path, site: fields.build.site },
    ...fields.targets.map(({ site }, at) => ({ path: ["targets", at, "site"] as Path, site })),
  ];
  return named.flatMap(({ path, site }) => {
    const detail = siteProblem(site, sites);
    return detail === undefined ? [] : [{ path, detail, on: "value" as const }];
  });
}

/** Undefined when the site is known. */
export function siteProblem(site: string, sites: readonly string[]): string | undefined {
  if (sites.includes(site)) return undefined;
  return `there is no site ${site}${didYouMean(site, sites)}; known sites: ${listed(sites)}`;
}

/**
 * Git hosts that no runner of the build site has. What the app has already is not refused. `systemsAt`: site → its systems, once
 * per runner; undefined, and without a git host, when unknown.
 */
export function systemProblems(
  { source, yaml, build }: Pick<AppFields, "source" | "yaml" | "build">,
  { before, systemsAt }: { readonly before: JsonObject; readonly systemsAt: SystemsAt | undefined },
): readonly PathProblem[] {
  return Object.entries({ source, yaml }).flatMap(([field, { system }]): PathProblem[] => {
    const [was, built] = [before[field], before.build];
    if (isJsonObject(was) && was.system === system && isJsonObject(built) && built.site === build.site) return [];
    const detail = hostProblem(system, build.site, systemsAt);
    return detail === undefined ? [] : [{ path: [field, "system"], detail, on: "value" }];
  });
}

type SystemsAt = (site: string) => readonly { readonly name: string; readonly kind: string }[];

/** Undefined when a runner of the site has the git host, or nobody knows its git hosts. */
export function hostProblem(system: string, site: string, systemsAt: SystemsAt | undefined): string | undefined {
  const hosts = (systemsAt?.(site) ?? []).filter(({ kind }) => kind === "git").map(({ name }) => name);
  if (hosts.length === 0 || hosts.includes(system)) return undefined;
  const known = listed([...new Set(hosts)]);
  return `the site ${site} has no git host ${system}${didYouMean(system, hosts)}; its git hosts: ${known}`;
}

const SHOWN = 20;

/** The names for a sentence, sorted; the first 20 and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return names.length === 0 ? "none" : `${names.toSorted().slice(0, SHOWN).join(", ")}${more}`;
}

/** A path as a JSON pointer (RFC 6901). */
export function pointerOf(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function contextOf(whole: string): IssueContext {
  return { whole, keysAt };
}

/** The keys that are known at a place. */
export function keysAt(path: Path): readonly string[] {
  const { source, build, images, yaml, targets, pipelines } = appShape.shape;
  const [first, second] = path;
  if (first === undefined) return Object.keys(appShape.shape);
  if (first === "source") return Object.keys(source.shape);
  if (first === "yaml") return Object.keys(yaml.shape);
  if (first === "pipelines") return Object.keys(pipelines.unwrap().shape);
  if (first === "build") return Object.keys(build.shape);
  if (first === "images" && second !== undefined) return Object.keys(images.unwrap().element.shape);
  return first === "targets" && second !== undefined ? Object.keys(targets.element.shape) : [];
}
