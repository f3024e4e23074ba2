// Facts for the audit log that only the route knows: who has signed in, which task was started.

import { hash } from "node:crypto";
import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { type AuditFacts, harmless } from "@gantry/wire/audit/entry.ts";
import type Koa from "koa";
import type { Caller } from "../access/decide-access.ts";
import { whoIs } from "./decide-origin.ts";

type Note = Pick<AuditFacts, "who" | "on" | "pipeline" | "paramsHash">;

/** Names of accounts look like this; anything else in the field for a name may be a password. */
const ACCOUNT = /^[a-z][a-z0-9._-]{0,62}$/;

const notes = new WeakMap<Koa.Context, Note>();

export function noteOf(ctx: Koa.Context): Note {
  return notes.get(ctx) ?? {};
}

/** For routes whose caller is known only after they have run: sign-in. */
export function noteWho(ctx: Koa.Context, who: Pick<Caller, "name" | "role" | "issuer">): void {
  notes.set(ctx, { ...noteOf(ctx), who: whoIs(who) });
}

/** The account that a failed sign-in was for. */
export function noteTried(ctx: Koa.Context, name: string): void {
  if (ACCOUNT.test(name)) noteOn(ctx, { person: name });
}

/** What a request without a caller has changed. */
export function noteOn(ctx: Koa.Context, on: { readonly [what: string]: string }): void {
  const harmlessly = Object.entries(on).map(([what, name]) => [what, harmless(name)] as const);
  notes.set(ctx, { ...noteOf(ctx), on: { ...noteOf(ctx).on, ...Object.fromEntries(harmlessly) } });
}

/** The task that a request has started or changed. */
export function noteTask(ctx: Koa.Context, task: TaskView): void {
  // For the access log.
  ctx.state.task = task.id;
  const on = { task: harmless(task.id), ...(task.app === undefined ? {} : { app: harmless(task.app) }) };
  const pipeline = { name: harmless(task.definition.name), definition: harmless(task.definition.version) };
  notes.set(ctx, { ...noteOf(ctx), on: { ...noteOf(ctx).on, ...on }, pipeline, paramsHash: hashOfParams(task.params) });
}

/** The same for equal parameters, regardless of the order of their keys. */
export function hashOfParams(params: JsonValue): string {
  return hash("sha256", JSON.stringify(sorted(params)));
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
