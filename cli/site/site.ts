// `gantry site` and `gantry system`: where work runs, and with which systems.

import { GantryError } from "@gantry/core/errors.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { type SiteView, siteView, systemView } from "@gantry/wire/agent/sites/views.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

export async function listSites({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/sites", page(siteView));
  const rows = items.map(({ name, state, runners, systems, queue }) => {
    const online = runners.filter((one) => one.state === "online").length;
    return [name, state, `${online}/${runners.length} online`, String(systems.length), String(queue.length)];
  });
  const text = textTable(["SITE", "STATE", "RUNNERS", "SYSTEMS", "WAITING JOBS"], rows);
  return { value: items, text: rows.length === 0 ? "You may see no site, or none has a runner yet.\n" : text };
}

export async function showSite({ portal, args: [name] }: Call<object, readonly [string]>): Promise<Outcome> {
  const { items } = await portal().get("/v1/sites", page(siteView));
  const site = items.find((one) => one.name === name);
  const names = items.map((one) => one.name);
  if (!site) throw new GantryError("not-found", { kind: "site", name: `${name}${didYouMean(name, names)}` });
  return { value: site, text: inWords(site) };
}

function inWords({ name, state, runners, systems, clusters, queue }: SiteView): string {
  const parts = [
    `${name}: ${state}\n`,
    section(
      "no runners",
      ["RUNNER", "STATE", "BUSY", "LABELS", "LAST HEARD (UTC)"],
      runners.map((one) => [
        one.name,
        one.state,
        `${one.busy}/${one.slots}`,
        one.labels.join(","),
        shortTime(one.lastHeardAt),
      ]),
    ),
    section(
      "no systems",
      ["SYSTEM", "KIND", "ADDRESS", ""],
      systems.map((one) => [one.name, one.kind, one.url, one.standIn ? "fake" : ""]),
    ),
    ...(clusters ? [`Clusters, as read at ${clusters.at}: ${clusters.names.join(", ")}\n`] : []),
    section(
      "no waiting jobs",
      ["TASK", "JOB", "WAITS BECAUSE"],
      queue.map((one) => [one.task, one.job, one.waiting.text]),
    ),
  ];
  return parts.join("\n");
}

function section(none: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? `${none}\n` : textTable(head, rows);
}

export async function listSystems({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/systems", page(systemView));
  const rows = items.map(({ site, name, kind, url, standIn }) => [site, name, kind, url, standIn ? "fake" : ""]);
  const text = textTable(["SITE", "SYSTEM", "KIND", "ADDRESS", ""], rows);
  return { value: items, text: rows.length === 0 ? "No runner has named a system yet.\n" : text };
}
