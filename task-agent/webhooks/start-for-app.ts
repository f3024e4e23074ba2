// Starts what a delivery starts for one app.

import { explain, GantryError } from "@gantry/core/errors.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { decideStarts, type TriggeringEvent } from "@gantry/core/webhook/decide-starts.ts";
import type { DeliveryFacts } from "@gantry/core/webhook/delivery.ts";
import {
  startTriggered,
  type TriggerDeps,
  type TriggerEvent,
  type TriggerResult,
} from "../triggers/start-triggered.ts";
import type { DeliveryResult, DeliveryState } from "./delivery-stream.ts";

/** Each task once, however often it is called for the same delivery. Rejects when the store fails. */
export async function startForApp(
  deps: TriggerDeps,
  delivery: DeliveryState,
  facts: DeliveryFacts,
  app: AppState,
): Promise<readonly DeliveryResult[]> {
  const starts = decideStarts(facts, app);
  const isStarting = starts.some((one) => !("nothing" in one));
  const unread = isStarting ? await whyUnread(deps, app, facts.kind) : undefined;
  if (unread !== undefined) return [{ app: app.name, reason: unread }];
  const results: DeliveryResult[] = [];
  for (const start of starts)
    results.push(
      ...("nothing" in start
        ? [{ app: app.name, reason: start.nothing }]
        : await startEvent(deps, delivery, start, app.name)),
    );
  return results;
}

async function startEvent(
  deps: TriggerDeps,
  { source, id, redelivery }: DeliveryState,
  event: TriggeringEvent,
  app: string,
): Promise<readonly DeliveryResult[]> {
  const causedBy = redelivery ? [redelivery.by] : [];
  const results = await startAll(deps, app, event, { cause: `${source}/${id}/${event.part}`, causedBy });
  if (results.length === 0) {
    return [{ app, reason: `No pipeline of the app has a trigger for ${WORDS[event.kind]}.` }];
  }
  return results.map((one) => {
    if ("nothing" in one) return { app, pipeline: one.pipeline, reason: one.nothing };
    return { app, pipeline: one.pipeline, task: one.task, ...(event.note === undefined ? {} : { reason: event.note }) };
  });
}

const WORDS = { push: "pushes", tag: "tags", pull_request: "pull requests", image: "images" } as const;

/** The kind of an event says the type of its triggers, which a union cannot. */
function startAll(
  deps: TriggerDeps,
  app: string,
  event: TriggeringEvent,
  of: Pick<TriggerEvent, "cause" | "causedBy">,
): Promise<readonly TriggerResult[]> {
  const { facts } = event;
  switch (event.kind) {
    case "push":
      return startTriggered(deps, app, { kind: event.kind, facts, ...of, whyNot: event.whyNot });
    case "tag":
      return startTriggered(deps, app, { kind: event.kind, facts, ...of, whyNot: event.whyNot });
    case "image":
      return startTriggered(deps, app, { kind: event.kind, facts, ...of, whyNot: event.whyNot });
    case "pull_request":
      return startTriggered(deps, app, { kind: event.kind, facts, ...of, whyNot: event.whyNot });
  }
}

/** Pipelines that an app has brought itself are read first, as for a button: the push may have changed them. */
async function whyUnread(
  { ownPipelines }: TriggerDeps,
  app: AppState,
  kind: DeliveryFacts["kind"],
): Promise<string | undefined> {
  if (app.state !== "ready" || !ownPipelines.mayHave(app)) return undefined;
  try {
    await ownPipelines.read(app, `trigger:${kind}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof GantryError) || error.code === "conflict") throw error;
    const { message, why } = explain(error);
    return `${message} ${why}`.trim();
  }
}
