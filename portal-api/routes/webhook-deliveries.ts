// GET /v1/webhook-deliveries, GET …/{id} and POST …/{id}/redeliver

import { GantryError } from "@gantry/core/errors.ts";
import type { DeliveryQuery, Page } from "@gantry/wire/agent/agent-client.ts";
import {
  DELIVERY_STATES,
  sourceName,
  type WebhookDelivery,
  webhookDelivery,
} from "@gantry/wire/agent/triggers/webhooks.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import type { Caller } from "../access/decide-access.ts";
import type { Asked, Guard } from "../access/guards/guard.ts";
import { listOf, onApp, onInstallation } from "../access/guards/guards.ts";
import { filterVisible, type Visibility, visibilityOf, visiblePage } from "../access/visible.ts";
import { fewVisibleApps } from "../access/visible-tasks.ts";
import { noteOn } from "../audit/note.ts";
import { sendUncached, sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, name, pageQuery } from "../http/schemas.ts";
import type { Portal } from "../portal.ts";

const inDelivery = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9][\w-]{0,99}$/, "must be the id of a delivery") });

/** A delivery is visible with an app that it is about. One that is about no app is for those who see everything. */
const onVisible: Guard<{ readonly id: string }, unknown, unknown> = {
  verb: "view",
  on: "delivery",
  check: async ({ portal, caller, params }) => void (await visibleDelivery(portal, caller, params.id)),
};

/** It may start something for every app that it is about. */
const onRedeliver: Guard<{ readonly id: string }, unknown, unknown> = {
  verb: "redeliver",
  on: "delivery",
  check: async ({ params, ...asked }) => {
    await visibleDelivery(asked.portal, asked.caller, params.id);
    const { apps } = await asked.portal.agent.delivery(params.id);
    if (apps.length === 0) await onInstallation("manage-settings").check({ ...asked, params });
    for (const app of apps) await requireOn(asked, app);
  },
};

/** For an app that has been removed since, nothing can be started. */
async function requireOn(asked: Omit<Asked<unknown, unknown, unknown>, "params">, app: string): Promise<void> {
  try {
    await onApp("redeliver").check({ ...asked, params: { app } });
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "app-unknown") throw error;
  }
}

export const listWebhookDeliveries = route({
  method: "GET",
  path: "/v1/webhook-deliveries",
  id: "listWebhookDeliveries",
  tag: "webhooks",
  summary: "List the deliveries of webhooks and what was done because of them, newest first",
  description: "A page may have fewer deliveries than the limit although there are more.",
  right: listOf("view"),
  verb: "see apps",
  query: pageQuery.extend({
    app: name.optional(),
    source: sourceName.optional(),
    state: z.enum(DELIVERY_STATES).optional(),
  }),
  responses: { 200: json("A page of deliveries", page(webhookDelivery)) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const visibility = visibilityOf(portal, callerOf(call));
    await sendVisible(ctx, visibility, await visibleDeliveries(portal, visibility, { limit: 50, ...query }));
  },
});

export const getWebhookDelivery = route({
  method: "GET",
  path: "/v1/webhook-deliveries/{id}",
  id: "getWebhookDelivery",
  tag: "webhooks",
  summary: "Get a delivery of a webhook: what was read in it, and what was done",
  right: onVisible,
  verb: "see apps",
  params: inDelivery,
  responses: { 200: json("The delivery", webhookDelivery) },
  errors: ["not-found"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const caller = callerOf(call);
    await sendVisible(ctx, visibilityOf(portal, caller), await visibleDelivery(portal, caller, params.id));
  },
});

export const redeliverWebhook = route({
  method: "POST",
  path: "/v1/webhook-deliveries/{id}/redeliver",
  id: "redeliverWebhook",
  tag: "webhooks",
  summary: "Decide again what a delivery starts",
  description:
    "A new delivery with the same body. `Location` is the new one. Needs the right for every app that it is about; for a delivery about no app, `manage-settings`.",
  right: onRedeliver,
  verb: "deliver a webhook again",
  params: inDelivery,
  responses: { 202: json("The new delivery", webhookDelivery) },
  errors: ["conflict", "not-found"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const delivery = await portal.agent.redeliver(params.id, callerOf(call).name);
    noteOn(ctx, { delivery: delivery.id });
    ctx.status = 202;
    ctx.set("Location", `/v1/webhook-deliveries/${encodeURIComponent(delivery.id)}`);
    sendUncached(ctx, delivery);
  },
});

type Query = Omit<DeliveryQuery, "apps"> & { readonly limit: number; readonly app?: string | undefined };

async function visibleDeliveries(
  portal: Portal,
  visibility: Visibility,
  { app, ...query }: Query,
): Promise<Page<WebhookDelivery>> {
  if (visibility.none || (app !== undefined && !(await visibility.app(app)))) return { items: [] };
  const apps = app === undefined ? await fewVisibleApps(visibility) : [app];
  if (apps?.length === 0) return { items: [] };
  const found = await visiblePage(
    visibility,
    { ...query, apps },
    (part) => portal.agent.deliveries(part),
    (one) => isVisible(visibility, one),
  );
  return { ...found, items: await Promise.all(found.items.map((one) => withVisibleApps(visibility, one))) };
}

/** Throws `not-found`, also for one that the caller may not see. */
async function visibleDelivery(portal: Portal, caller: Caller, id: string): Promise<WebhookDelivery> {
  const delivery = await portal.agent.delivery(id);
  const visibility = visibilityOf(portal, caller);
  if (!(await isVisible(visibility, delivery))) throw new GantryError("not-found", { kind: "delivery", name: id });
  return withVisibleApps(visibility, delivery);
}

async function isVisible(visibility: Visibility, { apps }: WebhookDelivery): Promise<boolean> {
  if (visibility.all) return true;
  const visible = await Promise.all(apps.map((app) => visibility.app(app)));
  return visible.includes(true);
}

/** Without the other apps of the same repository. */
async function withVisibleApps(visibility: Visibility, delivery: WebhookDelivery): Promise<WebhookDelivery> {
  if (visibility.all) return delivery;
  const apps = await filterVisible(delivery.apps, (app) => visibility.app(app));
  return { ...delivery, apps, results: delivery.results.filter(({ app }) => apps.includes(app)) };
}
