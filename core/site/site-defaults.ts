// Reads the folder `sites` of a set of definitions: what pipelines find at each site. Pipeline files stay the same at every
// site, because its labels, projects and limits are named here. Pure.

import { z } from "zod";
import type { SetFile } from "../definitions/set-files.ts";
import type { Problem } from "../errors.ts";
import { describeIssues, type Path } from "../issues.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { SITE } from "../pipeline/expand.ts";
import { hasExpression, type Report, withValues } from "../pipeline/param-values.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { plainValue, readSource } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";

/** Of all files together, as JSON: every task that reads them keeps them. */
const MAX_CHARACTERS = 65_536;

const shape = z.strictObject({
  /** Pipeline → param → the default at this site, in place of that of the file and of params.yaml. */
  params: z.record(z.string(), z.record(z.string(), z.json())).default({}),
  /** What expressions read as `defaults.NAME`. */
  defaults: z
    .record(
      z
        .string()
        .regex(/^[a-z][A-Za-z0-9]{0,62}$/, "must begin with a lower case letter and have letters and digits only"),
      z.json(),
    )
    .default({}),
});

export type DefaultsOfSite = {
  readonly params: { readonly [pipeline: string]: JsonObject };
  readonly defaults: JsonObject;
};
export type SiteDefaults = { readonly [site: string]: DefaultsOfSite };

export type ReadSites = { readonly sites: SiteDefaults; readonly problems: readonly Problem[] };

/**
 * Use `sites` only if there are no problems. `pipelines`: all of the set. A pipeline that has mistakes itself is not among
 * them, but in `others`.
 */
export function readSites(
  files: readonly SetFile[],
  pipelines: readonly Pipeline[],
  others: readonly string[],
): ReadSites {
  const problems: Problem[] = [];
  const sites: Record<string, DefaultsOfSite> = {};
  for (const { file, text } of files) {
    const { root, problems: found } = readSource(text);
    if (root === undefined || found.length > 0) {
      problems.push(...found.map(({ at, detail }) => ({ detail, file, line: at.line, column: at.column })));
      continue;
    }
    const report: Report = (path, detail, on) => void problems.push(placedProblem({ root, file }, path, detail, on));
    const site = file.slice(file.lastIndexOf("/") + 1).replace(/\.ya?ml$/, "");
    if (!SITE.test(site)) report([], "the name of the file is not the name of a site");
    const value = plainValue(root);
    const parsed = shape.safeParse(value);
    if (!parsed.success) {
      const issues = describeIssues(parsed.error.issues, value, { keysAt, whole: "the file" });
      for (const { path, detail, on } of issues) report(path, detail, on);
      continue;
    }
    sites[site] = parsed.data;
    checkParams(parsed.data.params, pipelines, others, report);
    checkDefaults(parsed.data.defaults, report);
  }
  const [last] = files.slice(-1);
  const size = JSON.stringify(sites).length;
  if (last && size > MAX_CHARACTERS)
    problems.push({
      file: last.file,
      line: 1,
      column: 1,
      detail: `the files of sites have ${size} characters, of ${MAX_CHARACTERS}`,
    });
  return { sites, problems };
}

function checkParams(
  params: DefaultsOfSite["params"],
  pipelines: readonly Pipeline[],
  others: readonly string[],
  report: Report,
): void {
  const names = [...pipelines.map(({ name }) => name), ...others];
  for (const [name, given] of Object.entries(params)) {
    const pipeline = pipelines.find((one) => one.name === name);
    const values = Object.fromEntries(Object.entries(given).map(([param, preset]) => [param, { default: preset }]));
    if (pipeline)
      withValues(
        pipeline,
        values,
        ([param = "", , ...rest], ...problem) => report(["params", name, param, ...rest], ...problem),
        (param) => param,
      );
    else if (!others.includes(name))
      report(["params", name], `there is no pipeline ${name}${didYouMean(name, names)}`, "key");
  }
}

function checkDefaults(defaults: JsonObject, report: Report): void {
  for (const [name, value] of Object.entries(defaults))
    if (hasExpression(value))
      report(["defaults", name], "an expression is not allowed here; write it in the pipeline file");
}

function keysAt(path: Path): readonly string[] {
  return path.length === 0 ? Object.keys(shape.shape) : [];
}

/**
 * The site whose defaults the params of a task have: where the app is built, or, for a pipeline without such an app, the value
 * of its param with `ui: site`. Undefined when it is not known.
 */
export function siteOfTask({ app: kind, params }: Pipeline, app: JsonObject, given: JsonObject): string | undefined {
  if (kind === "existing") return isJsonObject(app.build) ? textOf(app.build.site) : undefined;
  const found = Object.entries(params.properties).find(([, one]) => one["x-ui"] === "site" && one.type === "string");
  return found && textOf(given[found[0]] ?? found[1].default);
}

/** What the expressions of a pipeline may read, by site. Undefined for one that does not, so that its tasks do not keep it. */
export function readableDefaults(
  { jobs, finally: last }: Pipeline,
  sites: SiteDefaults,
): { readonly [site: string]: JsonObject } | undefined {
  // A word that only looks like the variable does no harm.
  if (!/\bdefaults\b/.test(JSON.stringify([jobs, last]))) return undefined;
  return Object.fromEntries(Object.entries(sites).map(([site, { defaults }]) => [site, defaults]));
}

/** The pipeline with the defaults of a site in its params. */
export function atSite(pipeline: Pipeline, sites: SiteDefaults, site: string | undefined): Pipeline {
  const presets = site !== undefined && Object.hasOwn(sites, site) ? sites[site]?.params[pipeline.name] : undefined;
  if (!presets) return pipeline;
  const values = Object.fromEntries(Object.entries(presets).map(([param, preset]) => [param, { default: preset }]));
  // A file that a task was pinned to before may lack a param. Nothing is preset there.
  return withValues(pipeline, values, () => {});
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
