// Deliveries of webhooks, for the portal.

import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import type { Polling } from "../polling/polling.ts";
import { viewOfPolling } from "../polling/polling-view.ts";
import { type Deliveries, stateOfDelivery } from "../webhooks/deliveries.ts";
import type { DeliveryState } from "../webhooks/delivery-stream.ts";

type Routes = "receiveDelivery" | "deliveries" | "delivery" | "redeliver" | "polling";

export function deliveryHandlers({
  deliveries,
  polling,
}: {
  readonly deliveries: Deliveries;
  readonly polling: Pick<Polling, "sources">;
}): Pick<RouteHandlers<AgentRoutes>, Routes> {
  return {
    receiveDelivery: ({ body }) => deliveries.receive(body),
    deliveries: async ({ query }) => {
      const { items, cursor } = await deliveries.list(query);
      return { items: items.map(deliveryView), ...(cursor === undefined ? {} : { nextCursor: cursor }) };
    },
    delivery: async ({ params: { id } }) => {
      const state = await deliveries.read(id);
      return { ...deliveryView(state), ...(state.decision ? { facts: state.decision.facts } : {}) };
    },
    redeliver: async ({ params: { id }, body: { principal } }) =>
      deliveryView(await deliveries.redeliver(id, principal)),
    polling: async () => ({ items: (await polling.sources()).map(viewOfPolling) }),
  };
}

function deliveryView(state: DeliveryState): WebhookDelivery {
  const { id, source, host, receivedAt, bytes, redelivery, decision, isPolled } = state;
  return {
    ...{ id, source, host, bytes, receivedAt: timeOf(receivedAt), state: stateOfDelivery(state) },
    ...(isPolled ? { polled: isPolled } : {}),
    apps: [...(decision?.apps ?? [])],
    results: [...(decision?.results ?? [])],
    ...(decision ? { decidedAt: timeOf(decision.at), summary: decision.summary } : {}),
    ...(decision?.repository === undefined ? {} : { repository: decision.repository }),
    ...(decision?.reason === undefined ? {} : { reason: decision.reason }),
    ...(redelivery ? { redeliveryOf: redelivery.of, redeliveredBy: redelivery.by } : {}),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
