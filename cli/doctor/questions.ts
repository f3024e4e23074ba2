// What `gantry doctor` asks the runners about: their systems, and what apps use of them. Pure.

import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";

export type Chosen = { readonly site: string | undefined; readonly system: string | undefined };

/** The parameters of the pipeline `check-systems`. */
export type Questions = {
  readonly runners: readonly string[];
  readonly systems: readonly string[];
  readonly clusters: readonly string[];
  readonly repositories: readonly string[];
  readonly pushed: readonly string[];
  readonly deployed: readonly string[];
  readonly images: readonly string[];
  readonly argocdProjects: readonly string[];
  readonly jiraProjects: readonly string[];
};

const text = z.string().optional();
const repository = z.object({ system: text, project: z.string(), slug: z.string() }).optional().catch(undefined);
/** Parts of a record that are absent or malformed add no question. */
const recordSchema = z.object({
  source: repository,
  yaml: repository,
  image: z.object({ repository: z.string() }).optional().catch(undefined),
  images: z
    .array(z.object({ repository: text }))
    .optional()
    .catch(undefined),
  argocd: z.object({ project: text }).optional().catch(undefined),
  jira: z.object({ key: z.string() }).optional().catch(undefined),
  targets: z
    .array(z.object({ site: z.string(), cluster: z.string() }))
    .default([])
    .catch([]),
});

/** Only runners that are online are asked. Undefined: there is none, or no system to ask about. */
export function questionsFor(
  sites: readonly SiteView[],
  apps: readonly Pick<AppView, "name" | "record" | "state">[],
  chosen: Chosen,
): Questions | undefined {
  const asked = sites.filter(({ name }) => chosen.site === undefined || name === chosen.site);
  const systems = asked
    .flatMap((site) => site.systems)
    .filter(({ name }) => chosen.system === undefined || name === chosen.system);
  const runners = asked.flatMap((site) =>
    site.runners.filter(({ state }) => state === "online").map(({ name }) => `${site.name}/${name}`),
  );
  if (runners.length === 0 || systems.length === 0) return undefined;
  const records = apps
    .filter(({ state }) => state === "ready")
    .map(({ name, record }) => ({ name, ...recordSchema.parse(record) }));
  const place = ({ system = "", project, slug }: NonNullable<z.infer<typeof repository>>) =>
    `${system}:${project}/${slug}`;
  const pushed = records.flatMap(({ yaml }) => (yaml ? [place(yaml)] : []));
  return {
    runners,
    systems: unique(systems.map(({ kind, name }) => `${kind}/${name}`)),
    clusters: unique(records.flatMap(({ targets }) => targets.map(({ site, cluster }) => `${site}/${cluster}`))),
    repositories: unique([...records.flatMap(({ source }) => (source ? [place(source)] : [])), ...pushed]),
    pushed: unique(pushed),
    deployed: unique(
      records.flatMap(({ yaml, targets }) => (yaml ? targets.map(({ site }) => `${site}=${place(yaml)}`) : [])),
    ),
    images: unique(
      records.flatMap(({ image, images = [] }) => [image, ...images].flatMap((one) => one?.repository ?? [])),
    ),
    argocdProjects: unique(records.map(({ name, argocd }) => argocd?.project ?? name)),
    jiraProjects: unique(records.flatMap(({ jira }) => jira?.key ?? [])),
  };
}

function unique(all: readonly string[]): readonly string[] {
  return [...new Set(all)].toSorted();
}
