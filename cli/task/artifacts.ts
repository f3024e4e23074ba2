// `gantry task artifacts`: what the jobs of a task have saved, and its files.

import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isArtifactPath } from "@gantry/core/artifact/artifact.ts";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import {
  type ArtifactFileView,
  type ArtifactView,
  artifactFileView,
  artifactView,
} from "@gantry/wire/agent/artifacts.ts";
import { z } from "zod";
import type { PortalClient } from "../client.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";
import { taskOf, taskPath } from "./task-of.ts";

type Names = readonly [task: string | undefined, artifact: string | undefined];

/** Without an artifact: the list. With one: its files, or with `--to` its files in a folder. */
export async function taskArtifacts(call: Call<{ readonly to: string | undefined }, Names>): Promise<Outcome> {
  const { flags, args, portal: openClient } = call;
  const [id, wanted] = args;
  const portal = openClient();
  const task = await taskOf(portal, id);
  const items = await itemsOf(portal, `${taskPath(task.id)}/artifacts`, artifactView);
  if (wanted === undefined) {
    if (flags.to !== undefined) throw new UsageError("--to needs the name of an artifact");
    return { value: items, text: listText(items) };
  }
  const artifact = chosen(items, wanted);
  const files = await itemsOf(portal, `${artifactPath(task.id, artifact)}/files`, artifactFileView);
  if (flags.to === undefined) {
    const rows = files.map(({ path, size }) => [path, String(size)]);
    return { value: files, text: textTable(["FILE", "BYTES"], rows) };
  }
  const folder = resolve(flags.to);
  for (const file of files) await download(portal, task.id, artifact, file, folder);
  return { value: files, text: `${counted(files.length, "file")} of ${artifact.name} written to ${folder}\n` };
}

function listText(items: readonly ArtifactView[]): string {
  if (items.length === 0) return "The jobs of this task have saved no artifacts.\n";
  const rows = items.map(({ job, name, files, bytes, keptUntil, state }) => [
    ...[`${job}/${name}`, String(files), String(bytes)],
    state === "expired" ? "expired" : shortTime(keptUntil),
  ]);
  return textTable(["ARTIFACT", "FILES", "BYTES", "KEPT UNTIL (UTC)"], rows);
}

/** By `job/name`, or by the name alone where one job has it. Throws `not-found`. */
function chosen(items: readonly ArtifactView[], wanted: string): ArtifactView {
  const names = items.map(({ job, name }) => `${job}/${name}`);
  const found = items.filter(({ job, name }) => `${job}/${name}` === wanted || name === wanted);
  const [only] = found;
  if (only && found.length === 1) return only;
  if (found.length > 1)
    throw new UsageError(
      `several jobs have saved ${wanted}: ${found.map(({ job, name }) => `${job}/${name}`).join(", ")}`,
    );
  const todo = names.length === 0 ? "Its jobs have saved none." : `The artifacts of this task: ${names.join(", ")}.`;
  throw new GantryError("not-found", { kind: "artifact", name: `${wanted}${didYouMean(wanted, names)}`, todo });
}

function artifactPath(task: string, { job, name }: ArtifactView): string {
  return `${taskPath(task)}/jobs/${encodeURIComponent(job)}/artifacts/${encodeURIComponent(name)}`;
}

async function itemsOf<T>(portal: PortalClient, path: string, item: z.core.$ZodType<T>): Promise<readonly T[]> {
  return (await portal.get(path, z.object({ items: z.array(item) }))).items;
}

/** An existing file is not replaced. Names come from a portal. */
async function download(
  portal: PortalClient,
  task: string,
  artifact: ArtifactView,
  { path, executable }: ArtifactFileView,
  folder: string,
): Promise<void> {
  if (!isArtifactPath(path)) throw new GantryError("artifact-unsafe", { path, problem: "The name leads elsewhere." });
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(target, flags, executable ? 0o755 : 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
    throw new GantryError("artifact-unsafe", { path: target, problem: "There is a file of this name already." });
  });
  try {
    const query = new URLSearchParams({ path });
    const request = { method: "GET", path: `${artifactPath(task, artifact)}/content?${query}`, isStream: true };
    const { body } = await portal.open(request);
    for await (const bytes of body ?? []) await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
