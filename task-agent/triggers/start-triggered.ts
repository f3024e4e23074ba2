// Starts the task of a trigger. The key of the task is made of its cause, so that repeats, restarts and other agents start
// it once.

import { hash } from "node:crypto";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { evaluateCondition } from "@gantry/core/expr/condition.ts";
import { unmetText } from "@gantry/core/expr/in-words.ts";
import { render } from "@gantry/core/expr/template.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { TriggerKind, TriggerOf } from "@gantry/core/trigger/trigger.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { rolloutRequest } from "../children/rollout-request.ts";
import type { OwnPipelines } from "../definitions/own-pipelines.ts";
import { appScope } from "../tasks/decide-app.ts";
import { isAppName } from "../tasks/decide-start.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { isStoreBusy, type StartDeps, startTask, taskOfKey } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { type Armed, armedFor, armedForNone, firstState, isKind } from "./armed.ts";
import { changeTrigger, type LastStart, triggerStream } from "./trigger-stream.ts";

export type TriggerDeps = Omit<StartDeps, "admit"> & {
  readonly ownPipelines: OwnPipelines;
  /**
   * Counts a task that a trigger of this app starts; throws `limit-reached`. People of an app write triggers, too, and whoever has the
   * secret of a webhook can send any number of deliveries. Default: no limit.
   */
  readonly admitTriggered?: (app: string) => void;
};

/**
 * What happened. `facts`: what expressions see as `trigger`, without `kind`. `cause`: the same text for the same event, such as
 * the id of a delivery; other events have other texts.
 */
export type TriggerEvent = {
  readonly facts: JsonObject;
  readonly cause: string;
  /** People because of whom it happened, as far as Gantry knows them. They cannot approve what it starts. */
  readonly causedBy?: readonly string[];
  /** Why it starts nothing although triggers fit, as a sentence. Default: it does. */
  readonly refused?: string;
};

/** `nothing`: why no task was started, as a sentence. */
export type TriggerResult = {
  /** The id of the trigger. */
  readonly trigger: string;
  readonly pipeline: string;
} & ({ readonly task: string } | { readonly nothing: string });

/** A task that always finds its app changed by others is tried this often; then the caller gets the error. */
const MAX_TRIES = 5;

/**
 * Starts the pipelines of an app, or without one those that have none, that have a trigger for this event: each at most once, by its first trigger that fits. `whyNot`:
 * why a trigger does not fit the event, as a sentence; undefined if it does. Answers one result for each pipeline that has a
 * trigger of this kind. Repeats with the same cause answer the same tasks. Rejects when the store fails; then it may be repeated.
 */
export async function startTriggered<K extends Exclude<TriggerKind, "schedule">>(
  deps: TriggerDeps,
  app: string | undefined,
  event: TriggerEvent & {
    readonly kind: K;
    readonly whyNot: (trigger: TriggerOf<K>, of: Definition["pipeline"]) => string | undefined;
  },
): Promise<readonly TriggerResult[]> {
  const armed = (await armedNow(deps, app)).filter(isKind(event.kind));
  const byPipeline = Map.groupBy(armed, ({ definition }) => definition.pipeline.name);
  const results: TriggerResult[] = [];
  for (const [pipeline, triggers] of byPipeline) {
    const refused: TriggerResult[] = [];
    let started: TriggerResult | undefined;
    for (const one of triggers) {
      const nothing = event.whyNot(one.trigger, one.definition.pipeline);
      const result = nothing === undefined ? await startAndRecord(deps, one, event) : { nothing };
      const named = { trigger: one.id, pipeline, ...result };
      if ("task" in named) started = named;
      if (started) break;
      refused.push(named);
    }
    const [first] = refused;
    const answer = started ?? first;
    if (answer) results.push(answer);
  }
  return results;
}

async function armedNow(deps: TriggerDeps, app: string | undefined): Promise<readonly Armed[]> {
  if (app === undefined) return armedForNone(deps);
  const loaded = isAppName(app) ? await appStream.load(deps.journal, app) : undefined;
  return loaded ? armedFor(deps, loaded.state) : [];
}

async function startAndRecord(
  deps: TriggerDeps,
  armed: Armed,
  event: TriggerEvent,
): Promise<{ readonly task: string } | { readonly nothing: string }> {
  const paused = (await triggerStream.load(deps.journal, armed.id))?.state.paused;
  const why = paused ? pausedText(paused) : event.refused;
  const result = why === undefined ? await startOnce(deps, armed, event) : { nothing: why };
  const last: LastStart = { at: await deps.tasks.now(), ...result };
  const kind = "task" in result ? "TriggerStarted" : "TriggerStartedNothing";
  await changeTrigger(deps.journal, firstState(armed), (state) => ({ state: { ...state, last }, event: kind }));
  return result;
}

/** To follow nothing: it is a sentence. */
export function pausedText({ by, reason }: { readonly by: string; readonly reason?: string }): string {
  return `The trigger is paused by ${by}${reason === undefined ? "" : `: ${reason}`}.`;
}

/**
 * Starts the task of one trigger, unless its condition is false. A refusal of the request is a result, because a repeat would be
 * refused, too. Rejects when the store fails.
 */
export async function startOnce(
  deps: TriggerDeps,
  { definition, trigger, app }: Armed,
  { facts, cause, causedBy = [] }: TriggerEvent,
): Promise<{ readonly task: string } | { readonly nothing: string }> {
  const { pipeline } = definition;
  const key = {
    principal: `trigger:${trigger.kind}`,
    idempotencyKey: hash("sha256", JSON.stringify([cause, pipeline.name, app?.name ?? null])),
  };
  const known = await taskOfKey(deps.journal, key);
  if (known !== undefined) return { task: known };
  const scope = { trigger: { kind: trigger.kind, ...facts }, app: appScope(app) };
  try {
    if (trigger.when !== undefined && !evaluateCondition(trigger.when, { ...scope, status: "succeeded" }))
      return { nothing: `The condition of the trigger is not met: ${unmetText(trigger.when, scope)}.` };
    if (app) deps.admitTriggered?.(app.name);
    const params = render(trigger.params, scope);
    const request = {
      ...key,
      pipeline: pipeline.name,
      ...(app === undefined ? {} : { app: app.name }),
      params: (isJsonObject(params) ? params : {}) as StartTask["params"],
      trigger: scope.trigger,
      causedBy,
    };
    return { task: await startAgain(deps, request) };
  } catch (error) {
    if (!(error instanceof GantryError) || isStoreBusy(error)) throw error;
    const { message, why } = explain(error);
    return { nothing: `${message} ${why}`.trim() };
  }
}

/** Many events for one app at the same time change the app one after the other. */
export async function startAgain(deps: TriggerDeps, request: Parameters<typeof startTask>[1]): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return (await startTask(deps, await rolloutRequest(deps, request))).state.id;
    } catch (error) {
      if (tries === MAX_TRIES || !isStoreBusy(error)) throw error;
    }
  }
}
