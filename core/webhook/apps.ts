// Which apps a delivery is about: those that the record names the repository, the image or the project of. Pure.

import { completeRecord } from "../app/app-record.ts";
import { claimsOf } from "../app/claims.ts";
import { plainPath } from "../app/places.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { DeliveryFacts, RefChange, WebhookHost } from "./delivery.ts";
import { textAt } from "./look-up.ts";

export type AppOfSource = { readonly name: string; readonly record: JsonObject };

/** From which system a delivery came. `system`: its name in the records of apps; absent: any. */
export type DeliverySource = { readonly host: WebhookHost; readonly system?: string | undefined };

/** The keys by which the apps of a delivery are found. Two apps may have the same. */
export function sourceKeysOf(name: string, record: JsonObject): readonly string[] {
  const claims = claimsOf(name, record);
  const slug = textAt(record, "source", "slug");
  return [
    ...(slug === undefined ? [] : [repositoryKey(slug)]),
    ...claims.flatMap(({ kind, name: of }) => {
      if (kind === "image") return [`image ${of.toLowerCase()}`];
      return kind === "sonarqube-project" ? [`gate ${of.toLowerCase()}`] : [];
    }),
  ];
}

/** The key of the apps that it may be about; undefined when it is about none. */
export function keyOfFacts(facts: DeliveryFacts): string | undefined {
  switch (facts.kind) {
    case "image":
      return `image ${facts.repository.toLowerCase()}`;
    case "gate":
      return `gate ${facts.project.toLowerCase()}`;
    case "push":
    case "pull_request":
    case "other":
      return facts.repository && repositoryKey(facts.repository.slug);
  }
}

function repositoryKey(slug: string): string {
  return `git ${slug.toLowerCase()}`;
}

/** Whether the app is the one of the repository, the image or the project. */
export function isAbout(
  facts: DeliveryFacts,
  { host, system }: DeliverySource,
  { name, record }: AppOfSource,
): boolean {
  const { source } = completeRecord(name, record);
  switch (facts.kind) {
    case "image": {
      const images = claimsOf(name, record).filter((one) => one.kind === "image");
      return images.some((one) => isSame(one.name, facts.repository) && fits(one.system, system));
    }
    case "gate":
      return claimsOf(name, record).some((one) => one.kind === "sonarqube-project" && isSame(one.name, facts.project));
    case "push":
    case "pull_request":
    case "other": {
      const [project, slug] = [textAt(source, "project"), textAt(source, "slug")];
      if (!facts.repository || !project || !slug || !fits(textAt(source, "system"), system)) return false;
      return isSame(slug, facts.repository.slug) && isSame(ownerOf(host, project), facts.repository.project);
    }
  }
}

/** What is not named is not compared. */
function fits(named: string | undefined, system: string | undefined): boolean {
  return named === undefined || system === undefined || named === system;
}

/** Hosts ignore the case of names. */
function isSame(one: string, another: string): boolean {
  return one.toLowerCase() === another.toLowerCase();
}

/** On Bitbucket Cloud a project is `workspace/KEY`; repositories belong to the workspace. */
export function ownerOf(host: WebhookHost, project: string): string {
  return host === "bitbucket-cloud" ? (project.split("/")[0] ?? project) : project;
}

/** Whether a change is about the folder of the app in its repository; undefined: the host did not say which files it is about. */
export function touchesApp({ paths }: Pick<RefChange, "paths">, { record }: AppOfSource): boolean | undefined {
  const folder = plainPath(isJsonObject(record.source) ? (textAt(record.source, "folder") ?? ".") : ".");
  if (folder === "") return true;
  return paths?.some((path) => path === folder || path.startsWith(`${folder}/`));
}
