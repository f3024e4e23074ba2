// The three ways a route answers with JSON.

import { createHash } from "node:crypto";
import { notModified } from "@gantry/wire/http.ts";
import type { TaskView } from "@gantry/wire/views.ts";
import type Koa from "koa";

/** 200 with an ETag made of the content, or 304 when the client has it: polling costs few bytes. */
export function sendJson(ctx: Koa.Context, value: unknown): void {
  const body = JSON.stringify(value);
  if (notModified(ctx, createHash("sha256").update(body).digest("base64url").slice(0, 22))) return;
  ctx.type = "application/json";
  ctx.body = body;
}

/** 202: the work was accepted, and here is where to follow it. */
export function sendAccepted(ctx: Koa.Context, task: TaskView): void {
  ctx.status = 202;
  ctx.set("Location", `/v1/tasks/${encodeURIComponent(task.id)}`);
  sendFresh(ctx, task);
}

/** JSON that is nobody else's and of this moment only. */
export function sendFresh(ctx: Koa.Context, value: unknown): void {
  ctx.set("Cache-Control", "no-store");
  ctx.type = "application/json";
  ctx.body = JSON.stringify(value);
}
