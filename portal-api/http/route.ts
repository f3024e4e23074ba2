// A route is declared once, as data. The router and the OpenAPI document are both made from the declarations, so that
// they always agree.

import type { ErrorCode } from "@gantry/core/errors.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { parse } from "@gantry/runtime/http/problem.ts";
import { readBytes, readJson, readQuery } from "@gantry/runtime/http/read-request.ts";
import type Koa from "koa";
import { z } from "zod";
import type { Access, Caller } from "../access/decide-access.ts";
import type { Portal } from "../portal.ts";

export type Method = "GET" | "POST" | "DELETE";

/** One response: its content by media type, with the schema of JSON content, and its headers. */
export type ResponseSpec = {
  readonly description: string;
  readonly content?: { readonly [mediaType: string]: z.ZodType };
  readonly headers?: { readonly [name: string]: string };
};

type Declared = {
  readonly method: Method;
  /** With parameters in braces: `/v1/apps/{app}`. */
  readonly path: string;
  /** The operationId: verbNoun, unique. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** The lowest role that may use it. */
  readonly access: Access;
  /** What the route does, as it stands in the error "… may not <verb>": `run CI`. */
  readonly verb: string;
  readonly responses: { readonly [status: number]: ResponseSpec };
  /** Error codes beyond those that `errorsOf` derives from the declaration. */
  readonly errors?: readonly ErrorCode[];
  /** An example of the body, for the document. */
  readonly example?: JsonObject;
  /** The Idempotency-Key header is required. */
  readonly requiresIdempotencyKey?: true;
  /** An HTML page: a browser that is not signed in is redirected to the sign-in page. */
  readonly page?: true;
};

type Schemas<P, Q, B> = {
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** The body is an HTML form instead of JSON. */
  readonly form?: true;
};

export type Call<P, Q, B> = {
  readonly ctx: Koa.Context;
  readonly portal: Portal;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The Idempotency-Key; empty for routes that do not require one. */
  readonly key: string;
  /** Undefined only where `access` is `anyone`. */
  readonly caller: Caller | undefined;
};

export type Route = Declared &
  Schemas<unknown, unknown, unknown> & {
    /** Validates the request and responds to it. The router has authorised the caller before. */
    readonly run: (request: {
      readonly ctx: Koa.Context;
      readonly params: { readonly [name: string]: string };
      readonly portal: Portal;
      readonly caller: Caller | undefined;
    }) => Promise<void>;
  };

const nothing = z.strictObject({});

export function route<P = unknown, Q = unknown, B = unknown>(
  spec: Declared & Schemas<P, Q, B> & { readonly handle: (call: Call<P, Q, B>) => void | Promise<void> },
): Route {
  const { handle, ...declared } = spec;
  return {
    ...declared,
    run: async ({ ctx, params, portal, caller }) => {
      const checked = spec.params ? parse(spec.params, params, "/path") : undefined;
      const query = readQuery<unknown>(ctx, spec.query ?? nothing);
      const key = spec.requiresIdempotencyKey ? readKey(ctx) : "";
      const body = spec.method === "GET" ? undefined : await readBody(ctx, spec);
      // A part without a schema has the type `unknown`, so no handler can read anything from it.
      const request = { ctx, route: spec, caller, params, query, body };
      await portal.audit.around(request, () =>
        handle({ ctx, portal, caller, key, params: checked as P, query: query as Q, body: body as B }),
      );
    },
  };
}

/** The caller of a route that requires sign-in. */
export function callerOf(call: { readonly caller: Caller | undefined }): Caller {
  if (!call.caller) throw new GantryError("unauthenticated");
  return call.caller;
}

async function readBody<B>(
  ctx: Koa.Context,
  spec: Schemas<unknown, unknown, B> & { readonly method: Method },
): Promise<unknown> {
  if (spec.form && spec.body) {
    if (!ctx.is("application/x-www-form-urlencoded")) {
      throw new GantryError("media-type", { problem: "the Content-Type must be application/x-www-form-urlencoded" });
    }
    const bytes = await readBytes(ctx, 16_384);
    return parse(spec.body, Object.fromEntries(new URLSearchParams(bytes.toString("utf8"))));
  }
  return readJson<unknown>(ctx, spec.body ?? nothing);
}

function readKey(ctx: Koa.Context): string {
  const key = ctx.get("idempotency-key");
  if (key === "") throw new GantryError("idempotency-key-missing");
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new GantryError("bad-request", {
      problem: "the Idempotency-Key must have 1 to 200 visible ASCII characters",
    });
  }
  return key;
}
