// Commands about webhooks.

import { DELIVERY_STATES } from "@gantry/wire/agent/triggers/webhooks.ts";
import { command } from "./command.ts";

export const WEBHOOKS = [
  command({
    name: "webhook list",
    summary: "list deliveries of git hosts, Harbor and SonarQube, newest first, with what they started",
    flags: {
      app: { type: "string", value: "APP", summary: "only deliveries about this app" },
      source: { type: "string", value: "NAME", summary: "only deliveries of this source" },
      state: { type: "string", values: [...DELIVERY_STATES], value: "STATE", summary: "only those that ended so" },
      limit: { type: "string", value: "N", summary: "the most to list (default 20)" },
    },
    portal: true,
    isDefault: true,
    examples: ["webhook list --app orders", "webhook list --state nothing"],
    run: async (call) => (await import("../task/webhooks.ts")).listDeliveries(call),
  }),
  command({
    name: "webhook show",
    summary: "show a delivery: what it says, what was started, and why nothing was",
    args: ["DELIVERY"],
    portal: true,
    run: async (call) => (await import("../task/webhooks.ts")).showDelivery(call),
  }),
  command({
    name: "webhook redeliver",
    summary: "decide again what a delivery starts",
    details: "It is a new delivery with the same content, so what the first one started may be started again.",
    args: ["DELIVERY"],
    portal: true,
    run: async (call) => (await import("../task/webhooks.ts")).redeliver(call),
  }),
  command({
    name: "webhook polling",
    summary: "list the git hosts that Gantry polls, and what could not be read",
    portal: true,
    run: async (call) => (await import("../task/polling.ts")).listPolling(call),
  }),
];
