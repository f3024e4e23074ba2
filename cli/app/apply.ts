// `gantry app apply` and `gantry app adopt`: apps as files say, many at once.

import { randomUUID } from "node:crypto";
import { fieldsOf, recordOf } from "@gantry/core/app/app-record.ts";
import { undeclaredText } from "@gantry/core/app/known-environments.ts";
import { type AppOfFile, readAppsFile } from "@gantry/core/app/read-apps-file.ts";
import { counted } from "@gantry/core/count.ts";
import { explain, GantryError, type Problem } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { type AppOutcome, appOutcome } from "@gantry/wire/agent/agent-api.ts";
import { type AppView, appView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import type { Io } from "../io.ts";
import { line } from "../pipeline/lint.ts";
import { firstItems } from "../portal/pages.ts";
import { decidePlan, type Planned } from "./decide-plan.ts";
import { type FileOfTwo, overlayInWords, type SharedFile, sharedInWords, sharedWithin } from "./decide-shared.ts";

/** Requests at a time. The task-agent makes changes of apps one after the other, so more would only wait. */
const AT_ONCE = 8;

export type Applying = {
  readonly files: readonly string[];
  readonly dryRun: boolean;
  /** Only new apps: one that is there and differs is an error. */
  readonly onlyNew: boolean;
  readonly json: boolean;
};

type Result = Planned & {
  readonly error?: GantryError;
  /** Files that other apps write, too, as the portal knows them. */
  readonly shared?: readonly SharedFile[];
  /** Environments of its targets that the definitions do not declare. */
  readonly undeclared?: readonly string[];
};

/** The exit code: 0, 1 when the portal refused an app, 2 when a file is wrong and nothing was done. */
export async function apply(portal: () => PortalClient, applying: Applying, io: Io): Promise<number> {
  const { apps, problems } = readFiles(applying.files, io);
  if (problems.length > 0) {
    for (const one of problems) io.stderr(`${line(one)}\n`);
    return 2;
  }
  const client = portal();
  const known = new Map((await allApps(client)).map((app) => [app.name, app]));
  const plan = decidePlan(apps, known).map((one) =>
    applying.onlyNew && one.action === "change" ? { ...one, action: "create" as const } : one,
  );
  const within = sharedWithin(apps);
  const overlays = overlayProblems(plan, within);
  if (overlays.length > 0) {
    for (const one of overlays) io.stderr(`${line(one)}\n`);
    return 2;
  }
  if (!applying.json) io.stdout(planInWords(plan, applying.dryRun));
  const results = withShared(await applyAll(client, plan, applying.dryRun), within);
  if (applying.json) io.stdout(`${JSON.stringify(asJson(results, applying.dryRun), null, 2)}\n`);
  else io.stdout(results.some(({ error }) => error) || !applying.dryRun ? endInWords(results, applying.dryRun) : "");
  for (const result of results) io.stderr(warningsInLines(result));
  const named = results.map((one) => (one.action === "unchanged" ? known.get(one.app.name) : one)?.undeclared ?? []);
  const undeclared = [...new Set(named.flat())];
  if (undeclared.length > 0 && !applying.json) io.stderr(`Note: ${undeclaredText(undeclared)}.\n`);
  for (const result of results) if (result.error) io.stderr(errorInLines(result, result.error));
  return results.some(({ error }) => error) ? 1 : 0;
}

function readFiles(
  files: readonly string[],
  io: Io,
): { readonly apps: readonly AppOfFile[]; readonly problems: readonly Problem[] } {
  const apps: AppOfFile[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const read = readAppsFile(textOf(file, io), file);
    if (!read.ok) problems.push(...read.problems);
    else {
      for (const app of read.apps) {
        const isTwice = apps.some(({ name }) => name === app.name);
        if (isTwice) problems.push(app.problemAt("/name", `the app ${app.name} is in an earlier file, too`));
        else apps.push(app);
      }
    }
  }
  return { apps, problems };
}

function textOf(file: string, io: Io): string {
  try {
    return io.readFile(file);
  } catch (error) {
    const problem = `The file ${file} cannot be read: ${fileProblem(error)}`;
    throw new GantryError("bad-request", { problem }, { cause: error });
  }
}

/** Every app that the caller may see. */
export function allApps(portal: PortalClient): Promise<readonly AppView[]> {
  return firstItems(portal, "/v1/apps", appView, Number.POSITIVE_INFINITY);
}

/**
 * An app may take a place that another one of the plan gives up, perhaps only when that one got its new place: those are tried
 * again at the end, as long as that helps.
 */
async function applyAll(portal: PortalClient, plan: readonly Planned[], dryRun: boolean): Promise<readonly Result[]> {
  let results = await inParallel(plan, (one) => applyOne(portal, one, dryRun));
  const changed = new Set(plan.filter(({ action }) => action === "change").map(({ app }) => app.name));
  const mayBeFree = ({ error }: Result): boolean =>
    (error?.code === "place-taken" || error?.code === "overlay-taken") && changed.has(String(error.details.other));
  if (dryRun) return results.map((result) => (mayBeFree(result) ? withoutError(result) : result));
  for (let waiting = results.filter(mayBeFree); waiting.length > 0; ) {
    const again = new Map<string, Result>();
    for (const result of waiting) again.set(result.app.name, await applyOne(portal, withoutError(result), dryRun));
    results = results.map((result) => again.get(result.app.name) ?? result);
    const still = results.filter(mayBeFree);
    if (still.length === waiting.length) break;
    waiting = still;
  }
  return results;
}

function withoutError({ error: _, ...planned }: Result): Planned {
  return planned;
}

async function applyOne(portal: PortalClient, planned: Planned, dryRun: boolean): Promise<Result> {
  const { app, action, patch, revision } = planned;
  if (action === "unchanged") return planned;
  try {
    if (action === "create") {
      const body = { adopt: true, name: app.name, app: fieldsOf(recordOf(app.name, app.fields)), dryRun };
      return withAnswer(planned, await portal.post("/v1/apps", body, appOutcome, randomUUID()));
    }
    const path = `/v1/apps/${app.name}${dryRun ? "?dryRun=true" : ""}`;
    return withAnswer(planned, await portal.patch(path, patch, appOutcome, revision === "" ? "*" : `"${revision}"`));
  } catch (error) {
    // After these errors no other request would succeed either.
    if (!(error instanceof GantryError) || ["unauthenticated", "unavailable"].includes(error.code)) throw error;
    return { ...planned, error };
  }
}

/** Of two apps of the files that deploy one overlay, the portal would refuse the second. What has not changed is as it was. */
function overlayProblems(
  plan: readonly Planned[],
  within: ReadonlyMap<string, readonly FileOfTwo[]>,
): readonly Problem[] {
  return plan.flatMap(({ app, action }) =>
    (action === "unchanged" ? [] : (within.get(app.name) ?? []))
      .filter(({ isOverlay }) => isOverlay)
      .map((one) => app.problemAt(one.pointer, overlayInWords(one))),
  );
}

function withAnswer(planned: Planned, { shared, app: { undeclared } }: AppOutcome): Result {
  return { ...planned, ...(shared ? { shared } : {}), ...(undeclared ? { undeclared } : {}) };
}

function withShared(results: readonly Result[], within: ReadonlyMap<string, readonly FileOfTwo[]>): readonly Result[] {
  return results.map((result) => {
    const own = (within.get(result.app.name) ?? []).map(({ isOverlay: _, ...one }) => one);
    const all = [...(result.shared ?? []), ...own];
    const distinct = new Map(all.map((one) => [`${one.pointer} ${one.words} ${one.other}`, one]));
    return { ...result, shared: [...distinct.values()] };
  });
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}

const SIGNS = { create: "+", change: "~", unchanged: "=" } as const;

function planInWords(plan: readonly Planned[], dryRun: boolean): string {
  const lines = plan
    .filter(({ action }) => action !== "unchanged")
    .map(
      ({ app, action, changes }) =>
        `${SIGNS[action]} ${app.name.padEnd(30)} ${[action, changes.join(", ")].join("  ").trimEnd()}\n`,
    );
  const count = (action: Planned["action"]): number => plan.filter((one) => one.action === action).length;
  const summary = `${count("create")} to create, ${count("change")} to change, ${count("unchanged")} unchanged.`;
  return `${lines.join("")}${counted(plan.length, "app", "apps")}: ${summary}${dryRun ? " Nothing is written." : ""}\n`;
}

function endInWords(results: readonly Result[], dryRun: boolean): string {
  const done = results.filter(({ error }) => !error);
  const failed = results.length - done.length;
  const refused = failed === 0 ? "" : ` ${failed} refused.`;
  if (dryRun) return `${refused.trimStart()}\n`;
  const count = (action: Planned["action"]): number => done.filter((one) => one.action === action).length;
  return `${count("create")} created, ${count("change")} changed, ${count("unchanged")} unchanged.${refused}\n`;
}

function warningsInLines({ app, shared = [] }: Result): string {
  return shared
    .map((one) => ({ ...app.problemAt(one.pointer, ""), detail: `warning: ${sharedInWords(one)}` }))
    .map((one) => `${line(one)}\n`)
    .join("");
}

/** One line per mistake, with its place in the file. */
function errorInLines({ app }: Result, error: GantryError): string {
  const { message, why, todo } = explain(error);
  if (error.problems.length === 0) return `${line(app.problemAt("/name", `${app.name}: ${message} ${why} ${todo}`))}\n`;
  return error.problems
    .map(({ pointer = "", detail }) => `${line(app.problemAt(pointer.replace(/^\/app(?=\/)/, ""), detail))}\n`)
    .join("");
}

function asJson(results: readonly Result[], dryRun: boolean): object {
  return {
    dryRun,
    apps: results.map(({ app, action, changes, error, shared = [], undeclared = [] }) => ({
      name: app.name,
      action,
      ...(changes.length === 0 ? {} : { changes }),
      ...(shared.length === 0 ? {} : { shared }),
      ...(undeclared.length === 0 ? {} : { undeclared }),
      ...(error ? { error: { ...explain(error), problems: error.problems } } : {}),
    })),
  };
}
