// `gantry complete`: the names of the portal that may stand at the end of a command line. The scripts of `gantry completion` call it
// while somebody types, so it is quick or silent.

import { runnerView, siteView } from "@gantry/wire/agent/sites/views.ts";
import { appView, buildView, page, pipelineView, taskSummary } from "@gantry/wire/agent/views.ts";
import type { z } from "zod";
import type { PortalClient } from "../client.ts";
import { firstItems } from "../portal/pages.ts";
import { portalFor } from "../portal-access.ts";
import type { Call, Outcome } from "../table/command.ts";
import { type Asked, askedAt, type Names, type Table } from "./decide-names.ts";

export const WITHIN_MS = 2_000;
const MOST = 1_000;
const NEWEST = 30;

/** Whatever is wrong, nothing is printed: a message would stand in the line that somebody types. */
export async function complete(
  { io, args: [words] }: Call<object, readonly [readonly string[]]>,
  table: Table,
): Promise<Outcome> {
  const asked = askedAt(words, table);
  const names = asked === undefined ? [] : await namesOf(asked, io);
  const fitting = names.filter((one) => one.startsWith(asked?.typed ?? "") && /^[\w./:#@-]+$/.test(one));
  return { value: fitting, text: fitting.map((one) => `${asked?.before ?? ""}${one}\n`).join("") };
}

async function namesOf(asked: Asked, io: Call["io"]): Promise<readonly string[]> {
  try {
    const portal = portalFor(asked.access, io, AbortSignal.timeout(WITHIN_MS));
    return await readNames(portal, asked.names, asked.app);
  } catch {
    return [];
  }
}

/** What the caller may see. Throws what the portal answers. */
export function readNames(portal: PortalClient, names: Names, app = ""): Promise<readonly string[]> {
  return READERS[names](portal, app);
}

type Read = (portal: PortalClient, app: string) => Promise<readonly string[]>;

const READERS: { readonly [N in Names]: Read } = {
  apps: async (portal) => (await firstItems(portal, "/v1/apps", appView, MOST)).map(({ name }) => name),
  builds: async (portal, app) =>
    (await firstItems(portal, `${addressOf(app)}/builds`, buildView, NEWEST)).map(({ number }) => String(number)),
  clusters: async (portal) =>
    (await all(portal, "/v1/sites", siteView)).flatMap(({ name, clusters }) =>
      (clusters?.names ?? []).map((cluster) => `${name}/${cluster}`),
    ),
  pipelines: async (portal) => (await all(portal, "/v1/pipelines", pipelineView)).map(({ name }) => name),
  runners: async (portal) => (await all(portal, "/v1/runners", runnerView)).map(({ name }) => name),
  sites: async (portal) => (await all(portal, "/v1/sites", siteView)).map(({ name }) => name),
  targets: async (portal, app) => {
    const { record } = await portal.get(addressOf(app), appView);
    const targets = Array.isArray(record.targets) ? (record.targets as readonly unknown[]) : [];
    return targets.flatMap((one) => {
      const name = typeof one === "object" && one !== null && "name" in one ? one.name : undefined;
      return typeof name === "string" ? [name] : [];
    });
  },
  tasks: async (portal) => (await firstItems(portal, "/v1/tasks", taskSummary, NEWEST)).map(({ id }) => id),
};

async function all<T extends z.core.$ZodType>(
  portal: PortalClient,
  path: string,
  item: T,
): Promise<readonly z.infer<T>[]> {
  return (await portal.get(path, page(item))).items;
}

function addressOf(app: string): string {
  return `/v1/apps/${encodeURIComponent(app)}`;
}
