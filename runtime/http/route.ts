// The routes of an API between our processes, declared once as data. Its server, its client and the fakes of the tests are
// made from one table, so that none of them can know a path, a schema or a status that the others do not.

import type { ErrorCode } from "@gantry/core/errors.ts";
import type { z } from "zod";

export type RouteSpec = {
  readonly method: "GET" | "POST";
  /** Below the prefix of its API, with parameters in braces: `/tasks/{id}`. */
  readonly path: string;
  readonly query?: z.core.$ZodType;
  /** The JSON body of a request; absent where the body is not JSON, or there is none. */
  readonly body?: z.core.$ZodType;
  /** The largest body, in bytes; 1 MiB where absent. */
  readonly bodyLimit?: number;
  /** The JSON of an answer; absent where there is none that a client reads, or it is not JSON. */
  readonly answer?: z.core.$ZodType;
  /** Of an answer that is no error; 200 where absent. */
  readonly status?: 202 | 204;
  /** Codes of its own, beside `COMMON_ERRORS`. */
  readonly errors?: readonly ErrorCode[];
};

/** The errors that every route may return. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  "bad-request",
  "body-too-large",
  "internal",
  "limit-reached",
  "media-type",
  "request-timeout",
  "unauthenticated",
  "unavailable",
  "version-unfit",
];

export type RouteTable = { readonly [name: string]: RouteSpec };

type ParamName<P> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | ParamName<Rest> : never;

/** The parameters of a route's path, by name. */
export type ParamsOf<R extends RouteSpec> = { readonly [N in ParamName<R["path"]>]: string };

/** What a schema lets through; undefined where there is none. */
export type Parsed<S> = S extends z.core.$ZodType ? z.output<S> : undefined;

/** An object as it is sent: the sender may hold it as read-only. */
export type Sent<T> = T extends readonly (infer Item)[]
  ? readonly Sent<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: Sent<T[K]> }
    : T;

/** Keeps the exact type of a declaration. */
export function route<const R extends RouteSpec>(spec: R): R {
  return spec;
}

/** Whether an error of this code is an answer that the route declares. */
export function declaresError({ errors = [] }: RouteSpec, code: ErrorCode): boolean {
  return errors.includes(code) || COMMON_ERRORS.includes(code);
}

export type RouteMatch<Name> = { readonly name: Name; readonly params: Readonly<Record<string, string>> };

/** Finds the route of a request by method and path, the prefix included. The patterns are compiled once. */
export function routeMatcher<T extends RouteTable>(
  prefix: string,
  routes: T,
): (method: string, path: string) => RouteMatch<keyof T & string> | undefined {
  const patterns = Object.entries(routes).map(([name, { method, path }]) => ({
    name: name as keyof T & string,
    method: method as string,
    pattern: new RegExp(`^${prefix}${path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
  }));
  return (method, path) => {
    for (const one of patterns) {
      const found = one.method === method ? one.pattern.exec(path) : null;
      if (!found) continue;
      const params = Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]);
      return { name: one.name, params: Object.fromEntries(params) };
    }
    return undefined;
  };
}
