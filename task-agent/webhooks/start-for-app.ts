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
import { toldAlready } from "./told-already.ts";

export type StartForAppDeps = TriggerDeps & {
  /** Whether the repository of the app is polled, too. */
  readonly isPolled: (app: AppState) => boolean;
};

/** Each task once, however often it is called for the same delivery. Rejects when the store fails. */
export async function startForApp(
  deps: StartForAppDeps,
  delivery: DeliveryState,
  facts: DeliveryFacts,
  app: AppState,
): Promise<readonly DeliveryResult[]> {
  const starts = decideStarts(facts, app);
  const isStarting = starts.some((one) => !("nothing" in one));
  const unread = isStarting ? await whyUnread(deps, app, facts.kind) : undefined;
  if (unread !== undefined) return [{ app: app.name, reason: unread }];
  const results: DeliveryResult[] = [];
  for (const start of starts) {
    const nothing = "nothing" in start ? start.nothing : await whyTold(deps, delivery, start, app);
    if (nothing !== undefined) results.push({ app: app.name, reason: nothing });
    else if (!("nothing" in start)) results.push(...(await startEvent(deps, delivery, start, app.name)));
  }
  return results;
}

/** A delivery that a person delivers again always counts. */
async function whyTold(
  { journal, isPolled }: StartForAppDeps,
  delivery: DeliveryState,
  { kind, part, facts }: TriggeringEvent,
  app: AppState,
): Promise<string | undefined> {
  const isPush = kind === "push" || kind === "tag";
  if (!isPush || delivery.redelivery || typeof facts.commit !== "string" || !isPolled(app)) return undefined;
  return toldAlready(journal, app, delivery, { ref: part, commit: facts.commit });
}

async function startEvent(
  deps: TriggerDeps,
  { source, id, redelivery }: DeliveryState,
  event: TriggeringEvent,
  app: string,
): Promise<readonly DeliveryResult[]> {
  const causedBy = [...(event.causedBy ?? []), ...(redelivery ? [redelivery.by] : [])];
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
