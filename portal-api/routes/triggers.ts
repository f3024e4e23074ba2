// GET /v1/triggers, and POST /v1/triggers/{trigger}/pause, /resume and /run

import { triggerId, triggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { listOf } from "../access/guards/guards.ts";
import { onTrigger, openWhyNotTrigger } from "../access/guards/trigger-guard.ts";
import { filterVisible, visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendUncached, sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, json, name } from "../http/schemas.ts";

const inTrigger = z.strictObject({ trigger: triggerId });

const seenTrigger = triggerView
  .extend({ whyNot: z.string().optional().describe("Why you may not pause, resume or run it, and who may") })
  .meta({ id: "SeenTrigger" });

export const listTriggers = route({
  method: "GET",
  path: "/v1/triggers",
  id: "listTriggers",
  tag: "pipelines",
  summary: "List what starts pipelines by itself: the next times of schedules, and what each trigger did last",
  right: listOf("view"),
  verb: "see triggers",
  query: z.strictObject({ app: name.optional() }),
  responses: { 200: json("The triggers in force", page(seenTrigger)) },
  handle: async (call) => {
    const { app } = call.query;
    const visibility = visibilityOf(call.portal, callerOf(call));
    const isAsked = app === undefined || (await visibility.app(app));
    const { items } = isAsked
      ? await call.portal.agent.triggers(app === undefined ? {} : { apps: [app] })
      : { items: [] };
    const visible = await filterVisible(items, (one) => visibility.task({ app: one.app, pipeline: one.pipeline }));
    const caller = callerOf(call);
    const whyNot = openWhyNotTrigger({ portal: call.portal, caller, rights: call.portal.rights.of(caller) });
    const seen = await Promise.all(
      visible.map(async (one) => {
        const reason = await whyNot(one);
        return reason === undefined ? one : { ...one, whyNot: reason };
      }),
    );
    await sendVisible(call.ctx, visibility, { items: seen });
  },
});

export const pauseTrigger = route({
  method: "POST",
  path: "/v1/triggers/{trigger}/pause",
  id: "pauseTrigger",
  tag: "pipelines",
  summary: "Pause a trigger: it starts nothing until it is resumed",
  right: onTrigger,
  verb: "pause triggers",
  params: inTrigger,
  body: z.strictObject({ reason: z.string().trim().max(500).optional() }),
  example: { reason: "The database is moved tonight" },
  responses: { 200: json("The trigger", triggerView) },
  errors: ["not-found"],
  handle: async (call) => {
    const principal = callerOf(call).name;
    sendUncached(call.ctx, await call.portal.agent.pauseTrigger(call.params.trigger, { ...call.body, principal }));
  },
});

export const resumeTrigger = route({
  method: "POST",
  path: "/v1/triggers/{trigger}/resume",
  id: "resumeTrigger",
  tag: "pipelines",
  summary: "Resume a trigger",
  description: "Times that passed while it was paused are not made up for.",
  right: onTrigger,
  verb: "resume triggers",
  params: inTrigger,
  responses: { 200: json("The trigger", triggerView) },
  errors: ["not-found"],
  handle: async (call) => {
    sendUncached(call.ctx, await call.portal.agent.resumeTrigger(call.params.trigger, callerOf(call).name));
  },
});

export const runTrigger = route({
  method: "POST",
  path: "/v1/triggers/{trigger}/run",
  id: "runTrigger",
  tag: "pipelines",
  summary: "Start the task of a schedule now",
  description: "With the parameters of the trigger. The times of the schedule stay as they are.",
  right: onTrigger,
  verb: "run a schedule now",
  requiresIdempotencyKey: true,
  params: inTrigger,
  responses: { 202: accepted },
  errors: ["not-found", "conflict", "bad-params", "idempotency-key-reused"],
  handle: async (call) => {
    const request = { principal: callerOf(call).name, idempotencyKey: call.key };
    await sendAccepted(call, await call.portal.agent.runTrigger(call.params.trigger, request));
  },
});
