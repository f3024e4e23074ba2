// POST /v1/webhooks/{source}: a git host, Harbor or SonarQube says that something has happened.

import { MAX_DELIVERY_BYTES, sourceName } from "@gantry/wire/agent/triggers/webhooks.ts";
import { z } from "zod";
import { noteOn } from "../audit/note.ts";
import { clientAddress } from "../http/address.ts";
import { sendUncached } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

const received = z
  .object({
    state: z
      .enum(["received", "known", "test"])
      .describe("known: this delivery was received before; test: the host has tried the connection"),
    id: z.string().optional().describe("Of the delivery, for `GET /v1/webhook-deliveries/{id}`"),
  })
  .meta({ id: "DeliveryReceived" });

export const receiveWebhook = route({
  method: "POST",
  path: "/v1/webhooks/{source}",
  id: "receiveWebhook",
  tag: "webhooks",
  summary: "A git host, Harbor or SonarQube says that something has happened",
  description:
    "For webhooks of the sources in the configuration, signed with the secret of the source. It is kept before it is answered; what is done because of it is decided afterwards, and listed. A delivery counts once.",
  right: "anyone",
  verb: "send webhooks",
  isCalledFromOutside: true,
  rawBytes: MAX_DELIVERY_BYTES,
  params: z.strictObject({ source: sourceName }),
  responses: { 202: json("It was received now, or before", received) },
  errors: ["unauthenticated", "limit-reached", "not-found", "conflict"],
  handle: async ({ ctx, portal, params: { source }, readRaw }) => {
    const header = (name: string): string => ctx.get(name);
    noteOn(ctx, { webhook: source });
    const sent = { header, address: clientAddress(portal, ctx), readBody: readRaw };
    const delivery = await portal.webhookSources.verify(source, sent);
    ctx.status = 202;
    if (!delivery) return sendUncached(ctx, { state: "test" });
    const { id, isNew } = await portal.agent.receiveDelivery(delivery);
    noteOn(ctx, { delivery: id });
    sendUncached(ctx, { state: isNew ? "received" : "known", id });
  },
});
