// Settings over HTTP, for the portal and the other processes. wire/agent/routes.ts declares the routes.

import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { Settings } from "../settings/settings.ts";

type SettingsRoute = "settings" | "changeSettings" | "settingsHistory" | "settingsNow";

export function settingsHandlers(settings: Settings): Pick<RouteHandlers<AgentRoutes>, SettingsRoute> {
  return {
    settings: async ({ ctx }) => {
      await settings.refresh();
      const view = settings.view();
      return notModified(ctx, String(view.version)) ? undefined : view;
    },
    changeSettings: ({ body }) => settings.change(body),
    settingsHistory: async ({ query: { cursor, limit } }) => {
      await settings.refresh();
      const items = await settings.history(cursor, limit);
      const last = items.at(-1)?.version ?? 1;
      return { items, ...(last > 1 ? { nextCursor: String(last) } : {}) };
    },
    settingsNow: ({ ctx, query: { after, wait } }) => settings.changed(after ?? -1, wait, clientGoneSignal(ctx)),
  };
}
