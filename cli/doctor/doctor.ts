// `gantry doctor`: has every runner test what the systems of its site let Gantry do, and prints what is missing.

import { randomUUID } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { siteView } from "@gantry/wire/agent/sites/views.ts";
import { feedEvent, page, type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { allApps } from "../app/apply.ts";
import type { PortalClient } from "../client.ts";
import type { Call, Outcome } from "../table/command.ts";
import { checkPlatform, countMissingOf, platformInWords } from "./platform.ts";
import { questionsFor } from "./questions.ts";
import { countMissing, reportInWords, reportsOf, silentSites } from "./report.ts";

const WAIT_MS = 10_000;
const PATIENCE_MS = 90_000;

type Chosen = { readonly site: string | undefined; readonly system: string | undefined; readonly send: boolean };

export async function doctor({
  portal: open,
  io,
  flags: { site, system, send },
}: Call<Chosen>): Promise<Outcome | number> {
  const portal = open();
  const all = (await portal.get("/v1/sites", page(siteView))).items;
  const sites = all.filter(({ name }) => site === undefined || name === site);
  if (sites.length === 0 && site !== undefined) throw new GantryError("not-found", { kind: "site", name: site });
  const silent = silentSites(sites);
  const silentText = silent.map((one) => `✗ ${one}\n`).join("");
  const questions = questionsFor(sites, await allApps(portal), { site, system });
  // A site or a system was asked for: what the platform itself uses is not part of it.
  const platform = site === undefined && system === undefined ? await checkPlatform(portal, send) : [];
  if (questions === undefined) {
    io.stdout(
      `${platformInWords(platform)}${silentText}There is no system to test. Add systems to the configuration of a runner: docs/runner.md.\n`,
    );
    return 1;
  }
  const task = await portal.post("/v1/tasks", { pipeline: "check-systems", params: questions }, taskView, randomUUID());
  const ended = await untilEnded(portal, task);
  const reports = reportsOf(ended);
  const missing = countMissing(reports) + countMissingOf(platform) + silent.length;
  const things = `${missing} ${missing === 1 ? "thing is" : "things are"} missing (✗).\n`;
  return {
    value: { missing, task: ended.id, reports, platform, silent },
    text: `${reportInWords(reports)}${platformInWords(platform)}\n${silentText}${missing === 0 ? "Nothing is missing.\n" : things}`,
    code: missing === 0 ? 0 : 1,
  };
}

/** A runner that has just gone is still listed as online: its job waits, and is canceled with the task. */
async function untilEnded(portal: PortalClient, { id }: TaskView): Promise<TaskView> {
  const events = page(feedEvent);
  const startMs = performance.now();
  for (let after = 0; ; ) {
    if (performance.now() - startMs > PATIENCE_MS) {
      const waiting = await portal.get(`/v1/tasks/${id}`, taskView);
      await portal.change(`/v1/tasks/${id}/cancel`);
      return waiting;
    }
    const { items } = await portal.get(`/v1/tasks/${id}/events?after=${after}&wait=${WAIT_MS}`, events);
    after = items.at(-1)?.taskseq ?? after;
    if (items.some((one) => one.data.event.kind === "TaskEnded")) return portal.get(`/v1/tasks/${id}`, taskView);
  }
}
