// What the routes of notifications share: a page from the notify-agent with only what the caller may see.

import { GantryError } from "@gantry/core/errors.ts";
import type { Page, PageQuery } from "@gantry/wire/agent/agent-client.ts";
import type { NotifyClient } from "@gantry/wire/notify/notify-client.ts";
import { type Seen, visibilityOf, visiblePage } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { type Call, callerOf } from "../http/route.ts";

/** Items without a task and an app are about the installation: a test of a channel. */
export async function sendNotifications<T extends Seen>(
  call: Call<unknown, PageQuery, unknown>,
  readerOf: (notify: NotifyClient) => (query: PageQuery) => Promise<Page<T>>,
): Promise<void> {
  const { ctx, portal, query } = call;
  const notify = notifyOf(portal);
  const visibility = visibilityOf(portal, callerOf(call));
  const found = visibility.none
    ? { items: [] }
    : await visiblePage(visibility, { limit: 50, ...query }, readerOf(notify), visibility.task);
  await sendVisible(ctx, visibility, found);
}

/** Throws `unavailable` when the configuration names none. */
export function notifyOf({ notify }: Call<unknown, unknown, unknown>["portal"]): NotifyClient {
  if (notify) return notify;
  throw new GantryError("unavailable", { what: "notify-agent", problem: "The portal's configuration names none." });
}
