// Which build a request deploys: a parameter with `ui: build` names it by its number or by the digest of one of its images.

import { releaseBranchOf } from "@gantry/core/app/targets.ts";
import type { Build } from "@gantry/core/build/build.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { findBuildByDigest, listBuilds, loadBuild } from "./build-stream.ts";

/** `problem`: of the parameter, as a sentence that begins with "it", "there" or the subject, without a full stop. */
export type ChosenBuild = { readonly param: string } & ({ readonly build: Build } | { readonly problem: string });

/** How many of the newest builds are searched for one of the release branch. */
const SEARCHED = 200;
const PAGE = 50;

/** Undefined for a pipeline that deploys no build. Without a value, the newest build of the release branch that nobody holds. */
export async function chooseBuild(
  journal: Pick<Journal, "load" | "find">,
  pipeline: Pipeline,
  app: AppState,
  params: JsonObject,
): Promise<ChosenBuild | undefined> {
  const param = buildParamOf(pipeline);
  if (param === undefined) return undefined;
  const given = params[param] ?? "";
  if (typeof given !== "string" && typeof given !== "number")
    return { param, problem: "it must be the number of a build, or the digest of one of its images" };
  const wanted = String(given).trim().replace(/^#/, "");
  if (wanted === "") return { param, ...(await newestOfRelease(journal, app)) };
  const isNumber = /^[0-9]{1,9}$/.test(wanted);
  const build = isNumber
    ? await loadBuild(journal, app, Number(wanted))
    : isDigest(wanted) &&
      (await findBuildByDigest(journal, app, { digest: wanted, branch: releaseBranchOf(app.record) }));
  if (build) return { param, build };
  const last = app.builds?.last ?? 0;
  const newest = last === 0 ? "the app has no build yet: run CI first" : `its newest build is #${last}`;
  if (!isNumber && !isDigest(wanted)) return { param, problem: `${notOne(wanted)}; ${newest}` };
  const problem = isNumber
    ? `there is no build #${Number(wanted)} of ${app.name}; ${newest}`
    : `no build of ${app.name} has an image with the digest ${truncate(wanted, 80)}: only what passed CI can be deployed; ${newest}`;
  return { param, problem };
}

function notOne(wanted: string): string {
  const shown = JSON.stringify(truncate(wanted, 80));
  return wanted.startsWith("sha256:")
    ? `${shown} is not a whole digest, which has sha256: and 64 digits and letters from a to f; the number of the build is shorter`
    : `${shown} is neither the number of a build nor the digest of one of its images`;
}

function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The parameters that name targets. */
export function targetParamsOf({ params }: Pipeline): readonly string[] {
  return Object.entries(params.properties).flatMap(([name, param]) => (param["x-ui"] === "target" ? [name] : []));
}

export function buildParamOf({ params }: Pipeline): string | undefined {
  return Object.entries(params.properties).find(([, param]) => param["x-ui"] === "build")?.[0];
}

async function newestOfRelease(
  journal: Pick<Journal, "load" | "find">,
  app: AppState,
): Promise<{ readonly build: Build } | { readonly problem: string }> {
  const branch = releaseBranchOf(app.record);
  let cursor: string | undefined;
  let seen = 0;
  let held: Build | undefined;
  do {
    const page = await listBuilds(journal, app, { limit: PAGE, cursor });
    const ofBranch = page.builds.filter((build) => build.branch === branch);
    const found = ofBranch.find(({ held }) => held === undefined);
    if (found) return { build: found };
    held ??= ofBranch[0];
    seen += page.builds.length;
    cursor = page.cursor;
  } while (cursor !== undefined && seen < SEARCHED);
  if (held)
    return {
      problem: `every build of the release branch ${branch} is held, the newest #${held.number} by ${held.held?.by}: ${held.held?.reason}; name a build, or let one go`,
    };
  return {
    problem:
      seen === 0
        ? "the app has no build yet: run CI first"
        : `none of the newest ${seen} builds is of the release branch ${branch}: run CI there, or name a build`,
  };
}
