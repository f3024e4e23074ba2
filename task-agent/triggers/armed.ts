// The triggers that are in force for an app, or for no app.

import { ownDeploys } from "@gantry/core/choice/check-own.ts";
import { isStartedFor } from "@gantry/core/choice/choose-pipeline.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Trigger, TriggerKind, TriggerOf } from "@gantry/core/trigger/trigger.ts";
import type { OwnPipelines } from "../definitions/own-pipelines.ts";
import type { Definition, Definitions } from "../tasks/definitions.ts";
import type { TriggerState } from "./trigger-stream.ts";

export type Armed<T extends Trigger = Trigger> = {
  /** `orders:nightly:schedule-1`; `_` in place of the app for a pipeline without one. */
  readonly id: string;
  readonly definition: Definition;
  readonly trigger: T;
  readonly app: AppState | undefined;
};

export type ArmedDeps = {
  readonly definitions: Pick<Definitions, "list">;
  readonly ownPipelines: Pick<OwnPipelines, "of">;
};

/** Those of pipelines that this app has, chosen as for its buttons. An app that is not ready has none. */
export async function armedFor({ definitions, ownPipelines }: ArmedDeps, app: AppState): Promise<readonly Armed[]> {
  if (app.state !== "ready") return [];
  const offered = [...definitions.list(), ...(await ownPipelines.of(app))];
  const pipelines = offered.map(({ pipeline }) => pipeline);
  return offered
    .filter(({ pipeline }) => mayTrigger(pipeline) && isStartedFor(pipeline, app, pipelines))
    .flatMap((definition) => armedOf(definition, app));
}

/** An own pipeline that deploys needs a person who may run CD. Such files were read before this was a mistake in them. */
function mayTrigger(pipeline: Pipeline): boolean {
  return pipeline.triggers !== undefined && !(pipeline.origin === "app" && ownDeploys(pipeline));
}

/** Those of pipelines without an app. */
export function armedForNone({ definitions }: Pick<ArmedDeps, "definitions">): readonly Armed[] {
  return definitions.list().flatMap((one) => (one.pipeline.app === "none" ? armedOf(one, undefined) : []));
}

export function isKind<K extends TriggerKind>(kind: K): (one: Armed) => one is Armed<TriggerOf<K>> {
  return (one): one is Armed<TriggerOf<K>> => one.trigger.kind === kind;
}

export function firstState({ id, definition, app, trigger }: Armed): TriggerState {
  return {
    ...{ id, pipeline: definition.pipeline.name, kind: trigger.kind },
    ...(app === undefined ? {} : { app: app.name }),
  };
}

/** Numbered by kind, so that a new trigger of another kind changes no id. */
function armedOf(definition: Definition, app: AppState | undefined): readonly Armed[] {
  const counts = new Map<TriggerKind, number>();
  return (definition.pipeline.triggers ?? []).map((trigger) => {
    const count = (counts.get(trigger.kind) ?? 0) + 1;
    counts.set(trigger.kind, count);
    const id = `${app?.name ?? "_"}:${definition.pipeline.name}:${trigger.kind}-${count}`;
    return { id, definition, trigger, app };
  });
}
