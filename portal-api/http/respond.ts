// JSON responses.

import { hash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type Koa from "koa";
import type { Caller } from "../access/decide-access.ts";
import { withMay } from "../access/may.ts";
import { type Visibility, type VisibilityDeps, visibilityOf } from "../access/visible.ts";
import { noteTask } from "../audit/note.ts";

/** 200 with an ETag of the content, or 304 when the client has the content already: polling costs few bytes. */
export function sendJson(ctx: Koa.Context, value: unknown): void {
  const body = JSON.stringify(value);
  sendText(ctx, body, etagOf(body));
}

/** The same for views that may name tasks of others. `revision` begins the ETag, for If-Match (see `revisionIn`). */
export async function sendVisible(
  ctx: Koa.Context,
  visibility: Pick<Visibility, "redact">,
  value: unknown,
  revision?: string,
): Promise<void> {
  const body = await visibility.redact(JSON.stringify(value));
  sendText(ctx, body, revision === undefined ? etagOf(body) : `${revision}.${etagOf(body)}`);
}

/** The revision in an ETag from `sendVisible`: the rest of the view may have changed since. */
export function revisionIn(tag: string): string {
  return tag.split(".")[0] ?? tag;
}

export function etagOf(body: string): string {
  return hash("sha256", body, "base64url").slice(0, 22);
}

/** The same for serialised JSON whose ETag is known already. */
export function sendText(ctx: Koa.Context, text: string | Buffer, tag: string): void {
  if (notModified(ctx, tag)) return;
  ctx.type = "application/json";
  ctx.body = text;
}

/** 202 with the task, and its address in Location. */
export async function sendAccepted(
  call: { readonly ctx: Koa.Context; readonly portal: VisibilityDeps; readonly caller: Caller | undefined },
  task: TaskView,
): Promise<void> {
  const { ctx, portal, caller } = call;
  if (!caller) throw new GantryError("unauthenticated");
  noteTask(ctx, task);
  portal.facts.noteTask(task);
  if (task.app !== undefined) portal.facts.noteApp(task.app);
  const visibility = visibilityOf(portal, caller);
  const record = await visibility.record(task.app);
  const { text } = withMay(JSON.stringify(task), { rights: portal.rights.of(caller), task, record });
  ctx.status = 202;
  ctx.set("Location", `/v1/tasks/${encodeURIComponent(task.id)}`);
  sendUncachedText(ctx, await visibility.redact(text));
}

/** JSON that no cache may store. */
export function sendUncached(ctx: Koa.Context, value: unknown): void {
  sendUncachedText(ctx, JSON.stringify(value));
}

/** The same for JSON that is serialised already. */
export function sendUncachedText(ctx: Koa.Context, text: string): void {
  ctx.set("Cache-Control", "no-store");
  ctx.type = "application/json";
  ctx.body = text;
}

/** A time of the journal (microseconds) as it is written in JSON. */
export function timeOf(micros: number): string {
  return new Date(micros / 1_000).toISOString();
}
