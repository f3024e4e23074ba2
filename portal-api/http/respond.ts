// JSON responses.

import { hash } from "node:crypto";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type Koa from "koa";
import { noteTask } from "../audit/note.ts";

/** 200 with an ETag of the content, or 304 when the client has the content already: polling costs few bytes. */
export function sendJson(ctx: Koa.Context, value: unknown): void {
  const body = JSON.stringify(value);
  sendText(ctx, body, etagOf(body));
}

export function etagOf(body: string): string {
  return hash("sha256", body, "base64url").slice(0, 22);
}

/** The same for serialised JSON whose ETag is known already. */
export function sendText(ctx: Koa.Context, text: string, tag: string): void {
  if (notModified(ctx, tag)) return;
  ctx.type = "application/json";
  ctx.body = text;
}

/** 202 with the task, and its address in Location. */
export function sendAccepted(ctx: Koa.Context, task: TaskView): void {
  noteTask(ctx, task);
  ctx.status = 202;
  ctx.set("Location", `/v1/tasks/${encodeURIComponent(task.id)}`);
  sendUncached(ctx, task);
}

/** JSON that no cache may store. */
export function sendUncached(ctx: Koa.Context, value: unknown): void {
  ctx.set("Cache-Control", "no-store");
  ctx.type = "application/json";
  ctx.body = JSON.stringify(value);
}
