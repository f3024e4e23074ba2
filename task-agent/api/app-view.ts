// Apps, builds and pipelines → views of the HTTP API. Pure.

import { undeclaredIn } from "@gantry/core/app/known-environments.ts";
import { releaseBranchOf, targetsOf } from "@gantry/core/app/targets.ts";
import type { Build } from "@gantry/core/build/build.ts";
import type { Environments } from "@gantry/core/build/environments.ts";
import { childrenOf } from "@gantry/core/child/child-set.ts";
import { actionOf } from "@gantry/core/choice/actions.ts";
import { approvalText, turnsText } from "@gantry/core/concurrency/turns-text.ts";
import type { ParamsSchema, Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { AppView, BuildView, PipelineView, TaskView } from "@gantry/wire/agent/views.ts";
import { revisionOf } from "../apps/apps.ts";
import { targetsRunning, unmetFor } from "../builds/decide-policy.ts";
import type { Definition } from "../tasks/definitions.ts";
import { iso } from "./iso.ts";

type Jsons = TaskView["outputs"];

/** The site of the platform itself: no app is built or runs there. */
const PLATFORM = "platform";

/** `environments`: those of the definitions in force. */
export function appView(app: AppState, environments: Environments): AppView {
  const undeclared = undeclaredIn(app.record, Object.keys(environments));
  return {
    name: app.name,
    // A removed app is not shown.
    state: app.state === "removed" ? "failed" : app.state,
    createdBy: app.createdBy,
    createdAt: iso(app.createdAt),
    task: app.task,
    record: app.record as Jsons,
    revision: revisionOf(app),
    facts: app.facts as Jsons,
    latest: { ...app.latest },
    ...(undeclared.length === 0 ? {} : { undeclared: [...undeclared] }),
    deployed: Object.fromEntries(
      Object.entries(app.deployed ?? {}).map(([target, { at, ...rest }]) => [target, { ...rest, at: iso(at) }]),
    ),
  };
}

export function buildView(build: Build, app: AppState, environments: Environments): BuildView {
  const { at, images, held, ...rest } = build;
  const unmet = targetsOf(app.record).map(({ name, ...target }): [string, string[]] => [
    name,
    [...unmetFor(build, { name, ...target }, app, environments)],
  ]);
  return {
    ...rest,
    app: app.name,
    images: [...images],
    at: iso(at),
    runsIn: [...targetsRunning(app, build.number)],
    isRelease: build.branch === releaseBranchOf(app.record),
    ...(held === undefined ? {} : { held: { ...held, at: iso(held.at) } }),
    unmet: Object.fromEntries(unmet.filter(([, problems]) => problems.length > 0)),
  };
}

/** What forms suggest, by the hint `ui` of a param. */
export type Offers = Readonly<Record<string, readonly string[]>>;

/** `find`: the pipelines in force, which its jobs may run. */
export function pipelineView(
  { pipeline, version }: Definition,
  offers: Offers = {},
  find: (name: string) => Definition | undefined = () => undefined,
): PipelineView {
  const turns = turnsText(pipeline);
  const children = childrenOf(pipeline, (name) => find(name)?.pipeline);
  return {
    name: pipeline.name,
    title: pipeline.title,
    summary: pipeline.summary,
    button: pipeline.button,
    app: pipeline.app,
    ...(actionOf(pipeline) === undefined ? {} : { action: actionOf(pipeline) }),
    ...(pipeline.origin === "app" ? { origin: pipeline.origin } : {}),
    version,
    ...(children.length === 0 ? {} : { children: [...children] }),
    ...(turns.length === 0 ? {} : { turns: [...turns] }),
    // JSON Schema, read from a pipeline file. Its type has no index signature.
    params: withOffers(pipeline.params, offersFor(pipeline.app, offers)) as unknown as Jsons,
    jobs: [...pipeline.jobs, ...pipeline.finally].map((job) => ({
      id: job.id,
      title: job.title,
      needs: [...job.needs],
      site: job.site as Jsons[string],
      ...(job.pipeline === undefined ? {} : { pipeline: job.pipeline, params: (job.params ?? {}) as Jsons }),
      ...(job.approval === undefined ? {} : { asks: approvalText(job.approval) }),
      steps: job.steps.map((step) => ({
        id: step.id,
        title: step.title,
        ...(step.action.kind === "uses" ? { uses: step.action.uses } : {}),
      })),
    })),
  };
}

/** A new app has no targets yet; those of an app that exists are in its record. */
function offersFor(app: Pipeline["app"], { site = [], target = [], ...rest }: Offers): Offers {
  const sites = site.filter((one) => one !== PLATFORM).toSorted();
  return { ...rest, site: sites, target: app === "new" ? target : [] };
}

function withOffers(params: ParamsSchema, offers: Offers): ParamsSchema {
  const properties = Object.entries(params.properties).map(([name, param]) => {
    const ui = param["x-ui"] ?? "";
    const offered = Object.hasOwn(offers, ui) ? (offers[ui] ?? []) : [];
    const isText = (param.items ?? param).type === "string";
    const isOpen = isText && (param.items ?? param).enum === undefined && offered.length > 0;
    return [name, isOpen ? { ...param, examples: offered } : param] as const;
  });
  return { ...params, properties: Object.fromEntries(properties) };
}
