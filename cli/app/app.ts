// `gantry app`: the apps of the portal.

import { undeclaredText } from "@gantry/core/app/known-environments.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { appOutcome } from "@gantry/wire/agent/agent-api.ts";
import { type MadeView, madeView } from "@gantry/wire/agent/deployments.ts";
import { type AppView, appView, page, taskView } from "@gantry/wire/agent/views.ts";
import { stringify } from "yaml";
import { z } from "zod";
import type { PortalClient } from "../client.ts";
import { textTable } from "../print/text-table.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";
import { startedTask } from "../task/start-task.ts";
import { allApps, apply } from "./apply.ts";
import { exported } from "./decide-plan.ts";
import { type LookFlags, lookAndAdopt } from "./look.ts";

type OfApp = Call<object, readonly [name: string]>;

export async function listApps({ portal }: Call): Promise<Outcome> {
  const apps = await allApps(portal());
  return { value: apps, text: apps.length === 0 ? NONE : table(apps) };
}

const NONE = "There are no apps yet. `gantry app create NAME` makes one, `gantry app adopt` takes one that you have.\n";

export async function viewApp({ portal, args: [name] }: OfApp): Promise<Outcome> {
  const found = await getApp(portal(), name);
  return { value: found, text: viewInWords(found) };
}

type FromFiles = Call<{ readonly file: readonly string[]; readonly "dry-run": boolean }>;

export async function adoptApps(call: Call<FromFiles["flags"] & LookFlags>): Promise<Outcome | number> {
  const { from, "from-file": list, file, "dry-run": dryRun } = call.flags;
  const given = [from, list, file.length > 0 ? "file" : undefined].filter((one) => one !== undefined);
  if (given.length !== 1) throw new UsageError("One of --from, --from-file and --file must be given");
  if (file.length > 0) return applyFiles(call, true);
  if (dryRun) throw new UsageError("--dry-run is for --file: without --yes, nothing is adopted before you agree");
  return lookAndAdopt(call);
}

export function applyApps(call: FromFiles): Promise<number> {
  return applyFiles(call, false);
}

function applyFiles({ portal, flags, json, io }: Omit<FromFiles, "args">, onlyNew: boolean): Promise<number> {
  return apply(portal, { files: flags.file, dryRun: flags["dry-run"], onlyNew, json }, io);
}

export async function exportApps({
  portal,
  args: [names],
}: Call<object, readonly [readonly string[]]>): Promise<Outcome> {
  const client = portal();
  const named = await Promise.all(names.map((name) => getApp(client, name)));
  const found = names.length === 0 ? await allApps(client) : named;
  const apps = found.filter(({ state }) => state === "ready").map(exported);
  return { value: { apps }, text: stringify({ apps }, { lineWidth: 0 }) };
}

export async function renameApp({
  portal,
  args: [name, to],
}: Call<object, readonly [string, string]>): Promise<Outcome> {
  const { app } = await portal().post(`/v1/apps/${encodeURIComponent(name)}/rename`, { to }, appOutcome);
  return { value: app, text: `The app ${name} is now ${to}. Names in other systems stay.\n` };
}

type ForgetFlags = { readonly undo: boolean; readonly keep: boolean; readonly follow: boolean };
type Forget = Call<ForgetFlags, readonly [name: string]>;

export async function forgetApp(call: Forget): Promise<Outcome | number> {
  const {
    args: [name],
    flags,
    portal,
    io,
  } = call;
  const client = portal();
  const { undo, keep } = flags;
  if (undo && keep) throw new UsageError("--undo deletes what --keep leaves: give one of them");
  const path = `/v1/apps/${encodeURIComponent(name)}`;
  if (undo) {
    io.stderr(linesOf("Taken back", await madeBy(client, path)));
    return startedTask(call, await client.delete(`${path}?undo=true`, taskView), client.url);
  }
  if (flags.follow) throw new UsageError("--follow is for --undo: an app is forgotten at once");
  const stays = keep ? await madeBy(client, path) : [];
  await client.delete(`${path}?undo=false${keep ? "&keep=true" : ""}`, z.undefined());
  io.stderr(linesOf("Stays", stays));
  const text = `The app ${name} is forgotten. Its repositories and everything else outside stay.\n`;
  return { value: { name }, text };
}

/** Empty for an app whose creation did not fail, and from a portal of an older version, which has no such list. */
async function madeBy(client: PortalClient, path: string): Promise<readonly MadeView[]> {
  try {
    return (await client.get(`${path}/undo`, page(madeView))).items;
  } catch (error) {
    if (error instanceof GantryError && (error.code === "not-found" || error.code === "conflict")) return [];
    throw error;
  }
}

function linesOf(word: string, made: readonly MadeView[]): string {
  const lines = made.map(({ what, url, unsure }) => {
    const doubt = unsure ? ", if it was made: the answer was lost" : "";
    return `${word}: ${what}${doubt}${url === undefined ? "" : ` (${url})`}\n`;
  });
  return lines.join("");
}

function getApp(portal: PortalClient, name: string): Promise<AppView> {
  return portal.get(`/v1/apps/${encodeURIComponent(name)}`, appView);
}

function table(apps: readonly AppView[]): string {
  const rows = apps.map(({ name, state, record }) => [
    name,
    state,
    textOf(record.team),
    repositoryOf(record.source),
    targetsOf(record),
  ]);
  return textTable(["APP", "STATE", "TEAM", "SOURCE", "TARGETS"], rows);
}

function viewInWords(app: AppView): string {
  const { name, state, createdBy, createdAt, task, record, facts, latest, undeclared = [] } = app;
  const made = `${task === "" ? "adopted" : "created"} by ${createdBy} at ${createdAt}`;
  const image = typeof facts.image === "string" ? `image: ${facts.image}@${textOf(facts.digest)}\n` : "";
  const tasks = Object.entries(latest).map(([pipeline, id]) => `newest ${pipeline}: ${id}\n`);
  const note = undeclared.length === 0 ? "" : `note: ${undeclaredText(undeclared)}\n`;
  return `${name}: ${state}, ${made}\n${note}${image}${tasks.join("")}\n${stringify(exported({ name, record }), { lineWidth: 0 })}`;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function repositoryOf(value: JsonValue | undefined): string {
  return isJsonObject(value) ? `${textOf(value.project)}/${textOf(value.slug)}` : "";
}

function targetsOf({ targets }: JsonObject): string {
  const all = Array.isArray(targets) ? (targets as readonly JsonValue[]) : [];
  return all.map((one) => (isJsonObject(one) ? textOf(one.name) : "")).join(", ");
}
