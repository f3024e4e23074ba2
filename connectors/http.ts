// The shared transport of the small clients: one fetch with a time limit, a size limit, JSON checked by a schema, and
// every bad answer turned into the error that says who has to act. It repeats only what cannot change anything.

import { GantryError } from "@gantry/core/errors.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";
import { answerProblem, isJson } from "./answer-problem.ts";
import { tlsProblem } from "./certificate.ts";
import { problemOf } from "./http-problem.ts";

export type HttpOptions = {
  /** Name of the system for people, e.g. `harbor (seoul)`. */
  readonly system: string;
  /** Everything before `path`; a sub-path such as `/harbor` is kept. */
  readonly baseUrl: string;
  /** Sent with every request. Their values are secrets and are removed from every error. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  /** Limit of one request including its body, in milliseconds. */
  readonly timeoutMs?: number;
  /** Limit of one answer, in bytes. */
  readonly maxBytes?: number;
};

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export type CallOptions<T> = {
  readonly query?: Query;
  /** The request body as JSON … */
  readonly json?: unknown;
  /** … or as a form. */
  readonly form?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the caller needs of a 2xx answer; the schema decides about unknown fields (zod drops them). */
  readonly schema?: z.core.$ZodType<T>;
  /** For errors, in place of `GET /path`: "create project orders". */
  readonly what?: string;
};

/** A 2xx answer. Without a schema `body` is the JSON value, the text, or undefined when there is none. */
export type HttpAnswer<T> = {
  readonly ok: true;
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
};
/** An answer with one of the statuses that the caller listed in `expect`. */
export type OtherAnswer = {
  readonly ok: false;
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
};

/**
 * One request. `path` begins with `/`; its parts must be encoded by the caller. `expect` lists statuses besides 2xx that
 * are ordinary answers. Everything else throws: `certificate-untrusted`, `credential-refused` (401), `system-forbidden` (403), `system-unavailable`
 * (no connection, no answer in time, 408, 429, 5xx; with `retryAfterMs` among the details when the system said so),
 * `system-refused` (other 4xx), `system-strange` (a redirect, a web page, no JSON, other fields than needed, too large). An
 * expected status without JSON is none of the system's and `system-strange`, too. Errors of an answer have its `status`
 * among the details, except for JSON with other fields. When the signal of the client aborts, its reason is thrown.
 */
export type Call = {
  <T = unknown>(path: string, options?: CallOptions<T> & { readonly expect?: undefined }): Promise<HttpAnswer<T>>;
  <T = unknown>(
    path: string,
    options: CallOptions<T> & { readonly expect: readonly number[] },
  ): Promise<HttpAnswer<T> | OtherAnswer>;
};

export type Http = { readonly [M in "get" | "head" | "post" | "put" | "patch" | "delete"]: Call };

/** A client of one system. Safe to use concurrently. */
export function createHttp(options: HttpOptions): Http {
  return {
    get: callOf(options, "GET"),
    head: callOf(options, "HEAD"),
    post: callOf(options, "POST"),
    put: callOf(options, "PUT"),
    patch: callOf(options, "PATCH"),
    delete: callOf(options, "DELETE"),
  };
}

/** The value of an Authorization header. */
export function basicAuth(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 8 * 1024 * 1024;
const QUICK_RETRIES = 2;

type Request = HttpOptions & { readonly method: string; readonly path: string; readonly what: string };
type Received = { readonly status: number; readonly headers: Headers; readonly text: string };
type AnyOptions<T> = CallOptions<T> & { readonly expect?: readonly number[] };

function callOf(client: HttpOptions, method: string): Call {
  const call = async <T>(path: string, options: AnyOptions<T> = {}): Promise<HttpAnswer<T> | OtherAnswer> => {
    const request: Request = { ...client, method, path, what: options.what ?? `${method} ${path}` };
    const received = await send(request, options);
    return read(request, options, received);
  };
  return call as Call;
}

/** GET and HEAD are retried at once, in case an idle connection was closed or one backend of a load balancer is bad. */
async function send<T>(request: Request, options: AnyOptions<T>): Promise<Received> {
  const repeats = request.method === "GET" || request.method === "HEAD" ? QUICK_RETRIES : 0;
  for (let tried = 0; ; tried++) {
    try {
      const received = await sendOnce(request, options);
      if (tried < repeats && [502, 503, 504].includes(received.status) && !options.expect?.includes(received.status)) {
        continue;
      }
      return received;
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      if (!(error instanceof ConnectionLost)) throw error;
      if (tried >= repeats) throw problem(request, "system-unavailable", error.message);
    }
  }
}

class ConnectionLost extends Error {}

async function sendOnce<T>(request: Request, options: AnyOptions<T>): Promise<Received> {
  request.signal.throwIfAborted();
  const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await request.fetch(addressOf(request, options.query), {
      method: request.method,
      headers: headersOf(request, options),
      body: bodyOf(options),
      signal: AbortSignal.any([request.signal, timeout]),
      redirect: "manual",
    });
    const text = request.method === "HEAD" ? "" : await readBounded(request, response);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    if (error instanceof GantryError || request.signal.aborted) throw error;
    if (timeout.aborted) throw problem(request, "system-unavailable", `no answer within ${timeoutMs / 1000} s`);
    const untrusted = tlsProblem(error);
    if (untrusted !== undefined) throw problem(request, "certificate-untrusted", untrusted);
    throw new ConnectionLost(connectionProblem(error));
  }
}

function addressOf(request: Request, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return `${request.baseUrl.replace(/\/+$/, "")}${request.path}${text === "" ? "" : `?${text}`}`;
}

function headersOf<T>(request: Request, options: CallOptions<T>): Record<string, string> {
  const type: Record<string, string> = options.json === undefined ? {} : { "content-type": "application/json" };
  return { accept: "application/json", "user-agent": "gantry", ...type, ...request.headers, ...options.headers };
}

function bodyOf<T>({ json, form }: CallOptions<T>): string | URLSearchParams | undefined {
  if (json !== undefined) return JSON.stringify(json);
  if (form === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) if (value !== undefined) fields.append(name, String(value));
  return fields;
}

async function readBounded(request: Request, response: Response): Promise<string> {
  const limit = request.maxBytes ?? MAX_BYTES;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw problem(request, "system-strange", `the answer is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function read<T>(request: Request, options: AnyOptions<T>, received: Received): HttpAnswer<T> | OtherAnswer {
  const { status, headers } = received;
  const ok = status >= 200 && status < 300;
  if (!ok && !options.expect?.includes(status)) throw errorOf(request, received);
  if (isPage(received)) throw problem(request, "system-strange", "a web page came instead of data", { status });
  if (isForeign(request, options, received)) throw foreignAnswer(request, received);
  if (!ok) return { ok, status, headers, body: parse(received) };
  if (!options.schema) return { ok, status, headers, body: parse(received) as T };
  const checked = z.safeParse(options.schema, parse(received));
  if (checked.success) return { ok, status, headers, body: checked.data };
  throw problem(request, "system-strange", answerProblem(checked.error));
}

function errorOf(request: Request, received: Received): GantryError {
  const { status } = received;
  const description = isPage(received) ? "a web page" : problemOf(parse(received));
  const text = `status ${status}${description === "" ? "" : `: ${description}`}`;
  if (status === 401) return problem(request, "credential-refused", text, { status });
  if (status === 403) return problem(request, "system-forbidden", text, { status });
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(received.headers.get("retry-after"));
    return problem(request, "system-unavailable", text, {
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  if (status < 400) return problem(request, "system-strange", redirectOf(request, received), { status });
  return problem(request, isPage(received) ? "system-strange" : "system-refused", text, { status });
}

/** A redirect is never followed, because it would send the credentials to an address that is not configured. */
function redirectOf({ baseUrl }: Request, { status, headers }: Received): string {
  const target = URL.parse(headers.get("location") ?? "", baseUrl);
  const upgrade = target?.protocol === "https:" && new URL(baseUrl).protocol === "http:";
  if (upgrade) return `it redirects to https (status ${status}): write the address in \`url:\` with https://`;
  return `it redirects ${target ? `to ${target.origin}` : "elsewhere"} (status ${status})`;
}

function problem(
  request: Request,
  code:
    | "certificate-untrusted"
    | "credential-refused"
    | "system-forbidden"
    | "system-unavailable"
    | "system-refused"
    | "system-strange",
  text: string,
  more: Record<string, number> = {},
): GantryError {
  return new GantryError(code, {
    system: request.system,
    what: request.what,
    problem: withoutSecrets(text, request.headers ?? {}),
    ...more,
  });
}

function isPage({ headers, text }: Received): boolean {
  return /^text\/html|xhtml/.test(headers.get("content-type") ?? "") || /^\s*<(!doctype|html)/i.test(text);
}

/**
 * Whether a proxy gave this answer instead of the system's API, as while the system starts. All of these systems answer
 * in JSON: also their 404, whose body must not be empty, and every answer of which a part is needed.
 */
function isForeign<T>({ method }: Request, { schema }: AnyOptions<T>, { status, text }: Received): boolean {
  if (method === "HEAD") return false;
  if (status < 300 && schema === undefined) return false;
  if (text.trim() !== "") return !isJson(text);
  return status === 404 || (status < 300 && schema !== undefined && !z.safeParse(schema, undefined).success);
}

function foreignAnswer(request: Request, { status, text }: Received): GantryError {
  const description =
    text.trim() === "" ? "without a body" : `with a text instead of data: ${truncate(text.trim(), 200)}`;
  const hint = status === 404 ? "; is a sub-path missing in `url:`?" : "";
  return problem(request, "system-strange", `status ${status} ${description}${hint}`, { status });
}

/** The JSON value, whatever the content type (several systems send text/plain); else the text; undefined for an empty body. */
function parse({ text }: Received): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Seconds or an HTTP date; at most an hour, so that a wrong clock cannot delay a task for days. */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3_600_000) : undefined;
}

/** Some systems repeat the token in their complaint. */
function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.values(headers).flatMap((value) => {
    const [scheme, rest] = value.split(" ", 2);
    if (rest === undefined) return [value];
    if (scheme !== "Basic") return [rest];
    const pair = Buffer.from(rest, "base64").toString("utf8");
    return [rest, pair, pair.slice(pair.indexOf(":") + 1)];
  });
  return secrets
    .filter((secret) => secret.length >= 4)
    .reduce((clean, secret) => clean.replaceAll(secret, "***"), text);
}
