// Settings over HTTP, for the portal and the other processes. wire/agent/agent-api.ts lists the calls.

import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import { readJson, readQuery } from "@gantry/runtime/http/read-request.ts";
import { requireProtocol } from "@gantry/wire/protocol-version.ts";
import { changeSettingsFor } from "@gantry/wire/settings/settings.ts";
import Router from "@koa/router";
import { z } from "zod";
import type { Settings } from "../settings/settings.ts";

const count = z.coerce.number().pipe(z.int().min(0));
const historyQuery = z.strictObject({
  limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(50),
  cursor: z.coerce.number().pipe(z.int().min(1)).optional(),
});
const nowQuery = z.strictObject({ after: count.optional(), wait: count.pipe(z.int().max(30_000)).default(0) });

export function settingsRoutes(settings: Settings, token: string): Router {
  const router = new Router({ prefix: "/agent/v1/settings" });
  router.use(requireBearer([token]));
  router.use(requireProtocol("the task-agent"));
  router.get("/", async (ctx) => {
    await settings.refresh();
    const view = settings.view();
    if (!notModified(ctx, String(view.version))) ctx.body = view;
  });
  router.post("/", async (ctx) => {
    ctx.body = await settings.change(await readJson(ctx, changeSettingsFor));
  });
  router.get("/history", async (ctx) => {
    const { limit, cursor } = readQuery(ctx, historyQuery);
    await settings.refresh();
    const items = await settings.history(cursor, limit);
    const last = items.at(-1)?.version ?? 1;
    ctx.body = { items, ...(last > 1 ? { nextCursor: String(last) } : {}) };
  });
  router.get("/now", async (ctx) => {
    const { after, wait } = readQuery(ctx, nowQuery);
    ctx.body = await settings.changed(after ?? -1, wait, clientGoneSignal(ctx));
  });
  return router;
}
