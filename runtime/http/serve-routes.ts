// The server's side of a table of routes.

import type Router from "@koa/router";
import type Koa from "koa";
import type { z } from "zod";
import { readJson, readQuery } from "./read-request.ts";
import type { ParamsOf, Parsed, RouteSpec, RouteTable, Sent } from "./route.ts";

/** A request that fits its route. `ctx` is for what the table does not know: headers, raw bodies, ETags. */
export type RouteCall<R extends RouteSpec> = {
  readonly ctx: Koa.Context;
  readonly params: ParamsOf<R>;
  readonly query: Parsed<R["query"]>;
  readonly body: Parsed<R["body"]>;
};

/** Undefined: the handler has set its answer on `ctx`, or there is nothing to answer. */
type RouteAnswer<R extends RouteSpec> = R["answer"] extends z.core.$ZodType
  ? Sent<z.input<R["answer"]>> | undefined
  : undefined;

export type RouteHandler<R extends RouteSpec> = (call: RouteCall<R>) => RouteAnswer<R> | Promise<RouteAnswer<R>>;
export type RouteHandlers<T extends RouteTable> = { readonly [Name in keyof T]: RouteHandler<T[Name]> };

/**
 * Puts the routes that have a handler on a router, which has the prefix of their API. Query and body are checked before a
 * handler is called; both throw `bad-request`.
 */
export function addRoutes<T extends RouteTable>(
  router: Router,
  routes: T,
  handlers: { readonly [Name in keyof T]?: RouteHandler<T[Name]> | undefined },
): void {
  for (const [name, spec] of Object.entries(routes)) {
    const handler = handlers[name] as RouteHandler<RouteSpec> | undefined;
    if (handler) router.register(pathOf(spec), [spec.method], (ctx) => answer(ctx, spec, handler));
  }
}

async function answer(
  ctx: Koa.Context & { params: Record<string, string> },
  spec: RouteSpec,
  handler: RouteHandler<RouteSpec>,
): Promise<void> {
  const query: unknown = spec.query ? readQuery<unknown>(ctx, spec.query) : undefined;
  const limit = spec.bodyLimit === undefined ? {} : { limit: spec.bodyLimit };
  const body: unknown = spec.body ? await readJson<unknown>(ctx, spec.body, limit) : undefined;
  // The schemas of this very route have made query and body, so they are what its handler takes.
  const call = { ctx, params: ctx.params, query, body } as unknown as RouteCall<RouteSpec>;
  const answered: unknown = await handler(call);
  if (answered !== undefined) ctx.body = answered;
  if (spec.status !== undefined) ctx.status = spec.status;
}

/** As the router writes it. */
function pathOf({ path }: RouteSpec): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}
