// A route is declared once, as data. The router and the OpenAPI document are both made from the declarations, so that
// they always agree.

import type { Verb } from "@gantry/core/access/verbs.ts";
import type { ErrorCode } from "@gantry/core/errors.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { parse } from "@gantry/runtime/http/problem.ts";
import { readBytes, readForm, readJson, readQuery } from "@gantry/runtime/http/read-request.ts";
import type Koa from "koa";
import { z } from "zod";
import type { Caller } from "../access/decide-access.ts";
import type { Asked, Guard, GuardKind, Right } from "../access/guards/guard.ts";
import { announceAbout } from "../audit/audit.ts";
import type { Portal } from "../portal.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** One response: its content by media type, with the schema of JSON content, and its headers. */
export type ResponseSpec = {
  readonly description: string;
  readonly content?: { readonly [mediaType: string]: z.core.$ZodType };
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
  /** What the route does, as in the error "… may not <verb>" and in the audit log: `run CI`. */
  readonly verb: string;
  readonly responses: { readonly [status: number]: ResponseSpec };
  /** Error codes beyond those that `errorsOf` derives from the declaration. */
  readonly errors?: readonly ErrorCode[];
  /** An example of the body, for the document. */
  readonly example?: JsonObject;
  /** The Idempotency-Key header is required. */
  readonly requiresIdempotencyKey?: true;
  /** The If-Match header is required. */
  readonly requiresIfMatch?: true;
  /** Called by another system, without a cookie: the body identifies the sender. */
  readonly isCalledFromOutside?: true;
  /** Health: probes call the process by any name. */
  readonly isProbed?: true;
  /** The body is not JSON: the handler reads it as it was sent, up to this many bytes. */
  readonly rawBytes?: number;
  /** A read that may be held open until there is something to return. Its handler takes the turns of `longPoll`. */
  readonly waits?: true;
  /** A read that the audit log records as a change is. */
  readonly isAudited?: true;
  /** An HTML page: a browser that is not signed in is redirected to the sign-in page. */
  readonly page?: true;
};

/** What a route needs, for the router and the documents. */
export type Needed = "anyone" | "signed-in" | { readonly verb: Verb; readonly on: GuardKind };

type Schemas<P, Q, B> = {
  readonly params?: z.core.$ZodType<P>;
  readonly query?: z.core.$ZodType<Q>;
  readonly body?: z.core.$ZodType<B>;
  /** The body is an HTML form instead of JSON. */
  readonly form?: true;
};

export type Call<P, Q, B> = {
  readonly ctx: Koa.Context;
  readonly portal: Portal;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Reads the body of a route with `rawBytes`; it must not be called by others. Rejects with `body-too-large` and `media-type`. */
  readonly readRaw: () => Promise<Buffer>;
  /** The Idempotency-Key; empty for routes that do not require one. */
  readonly key: string;
  /** The tag in If-Match; undefined for `*`, and for routes that do not require it. */
  readonly ifMatch: string | undefined;
  /** Undefined only if `right` is `anyone`. */
  readonly caller: Caller | undefined;
  /** Checks the right of the route again, under the policy in force now. Throws as before the handler was called. */
  readonly authorise: () => Promise<void>;
};

export type Route = Declared &
  Schemas<unknown, unknown, unknown> & {
    readonly right: Needed;
    /** Validates the request, checks the right of the caller and responds. */
    readonly run: (request: {
      readonly ctx: Koa.Context;
      readonly params: { readonly [name: string]: string };
      readonly portal: Portal;
      readonly caller: Caller | undefined;
    }) => Promise<void>;
  };

const nothing = z.strictObject({});

export function route<P = unknown, Q = unknown, B = unknown>(
  spec: Declared &
    Schemas<P, Q, B> & {
      readonly right: Right<P, Q, B>;
      readonly handle: (call: Call<P, Q, B>) => void | Promise<void>;
    },
): Route {
  const { handle, right, ...declared } = spec;
  const guard = typeof right === "string" ? undefined : right;
  return {
    ...declared,
    right: typeof right === "string" ? right : { verb: right.verb, on: right.on },
    run: async ({ ctx, params, portal, caller }) => {
      const checked = spec.params ? parse(spec.params, params, "/path") : undefined;
      const query = readQuery<unknown>(ctx, spec.query ?? nothing);
      const key = spec.requiresIdempotencyKey ? readKey(ctx) : "";
      const ifMatch = spec.requiresIfMatch ? readIfMatch(ctx) : undefined;
      const readRaw = (): Promise<Buffer> => readBytes(ctx, spec.rawBytes ?? 0);
      const isParsed = spec.method !== "GET" && spec.rawBytes === undefined;
      const body = isParsed ? await readBody(ctx, spec) : undefined;
      // A part without a schema has the type `unknown`, so no handler can read anything from it.
      const parts = { portal, params: checked as P, query: query as Q, body: body as B };
      const authorise = (): Promise<void> => check(guard, parts, caller);
      // What strangers send may be anything, also a password in the wrong field.
      if (caller) announceAbout(ctx, query, body);
      await authorise();
      const request = { ctx, route: spec, caller, params, query, body };
      await portal.audit.around(request, () => handle({ ...parts, readRaw, ctx, caller, key, ifMatch, authorise }));
    },
  };
}

async function check<P, Q, B>(
  guard: Guard<P, Q, B> | undefined,
  parts: Pick<Asked<P, Q, B>, "portal" | "params" | "query" | "body">,
  caller: Caller | undefined,
): Promise<void> {
  if (!guard) return;
  if (!caller) throw new GantryError("unauthenticated");
  await guard.check({ ...parts, caller, rights: parts.portal.rights.of(caller) });
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
  if (spec.form && spec.body) return readForm(ctx, spec.body, 16_384);
  return readJson<unknown>(ctx, spec.body ?? nothing);
}

function readIfMatch(ctx: Koa.Context): string | undefined {
  const header = ctx.get("if-match").trim();
  if (header === "") throw new GantryError("if-match-missing");
  if (header === "*") return undefined;
  const [, tag] = /^(?:W\/)?"([\x21\x23-\x7e]{1,200})"$/.exec(header) ?? [];
  if (tag === undefined)
    throw new GantryError("bad-request", { problem: "the header If-Match must be one ETag, or *" });
  return tag;
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
