// The client of the portal's public API that the CLI uses.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { errorOf } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";
import manifest from "./package.json" with { type: "json" };

export type PortalRequest = {
  readonly method: string;
  readonly path: string;
  /** Sent as it is, as JSON. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The response is a stream without an end: the deadline is only for its headers. */
  readonly isStream?: boolean;
};

export type PortalClient = {
  readonly url: string;
  /** The response, whatever its status. Throws `unavailable` when there is none. */
  readonly ask: (request: PortalRequest) => Promise<Response>;
  /** As `ask`, but throws the error that the response describes. */
  readonly open: (request: PortalRequest) => Promise<Response>;
  readonly get: <T>(path: string, answer: z.core.$ZodType<T>) => Promise<T>;
  /** `key`: the Idempotency-Key, for requests that start a task. */
  readonly post: <T>(path: string, body: object, answer: z.core.$ZodType<T>, key?: string) => Promise<T>;
  /** `ifMatch`: the revision that the change was decided on. */
  readonly patch: <T>(path: string, body: object, answer: z.core.$ZodType<T>, ifMatch: string) => Promise<T>;
  /** For changes whose response has no content. */
  readonly change: (path: string, body?: object) => Promise<void>;
  readonly delete: <T>(path: string, answer: z.core.$ZodType<T>) => Promise<T>;
};

/** Longer than the portal holds a request for events. */
const REQUEST_MS = 60_000;

/** Uses the administrator's token from the data folder of the portal. */
export function openPortal(url: string, data: string, signal: AbortSignal): PortalClient {
  return portalClient(url, readFileSync(join(data, "admin-token"), "utf8").trim(), signal);
}

/**
 * `signal` aborts requests, which then reject with its reason. Throws the errors of the portal, and `unavailable` when it
 * cannot be reached, does not respond within `requestMs`, or something else responds in its place.
 */
export function portalClient(url: string, token: string, signal?: AbortSignal, requestMs = REQUEST_MS): PortalClient {
  const ask = async ({ method, path, body, headers, isStream }: PortalRequest): Promise<Response> => {
    const late = new AbortController();
    const problem = new Error(`there was no answer within ${requestMs / 1_000} s`);
    // It does not keep the process alive: the socket does. It covers the body, too, except that of a stream.
    const timer = setTimeout(() => late.abort(problem), requestMs).unref();
    try {
      return await fetch(`${url}${path}`, {
        method,
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
        headers: {
          authorization: `Bearer ${token}`,
          accept: "application/json",
          "user-agent": `gantry-cli/${manifest.version}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(url, whyUnreachable(cause), cause);
    } finally {
      if (isStream) clearTimeout(timer);
    }
  };
  const open = async (request: PortalRequest): Promise<Response> => {
    const answer = await ask(request);
    if (answer.ok) return answer;
    const content = await contentOf(answer, url, signal).catch((error: unknown) => {
      if (error instanceof GantryError) return undefined;
      throw error;
    });
    throw errorOf(content) ?? unreachable(url, `It responded with status ${answer.status}.`);
  };
  const read = async <T>(schema: z.core.$ZodType<T>, request: PortalRequest): Promise<T> => {
    const answer = await open(request);
    const parsed = z.safeParse(schema, answer.status === 204 ? undefined : await contentOf(answer, url, signal));
    if (parsed.success) return parsed.data;
    throw unreachable(url, "Its answer does not fit this version of Gantry.", parsed.error);
  };
  return {
    url,
    ask,
    open,
    get: (path, schema) => read(schema, { method: "GET", path }),
    post: (path, body, schema, key) =>
      read(schema, {
        method: "POST",
        path,
        body: JSON.stringify(body),
        ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
      }),
    patch: (path, body, schema, ifMatch) =>
      read(schema, { method: "PATCH", path, body: JSON.stringify(body), headers: { "if-match": ifMatch } }),
    change: (path, body = {}) => read(z.undefined(), { method: "POST", path, body: JSON.stringify(body) }),
    delete: (path, schema) => read(schema, { method: "DELETE", path }),
  };
}

async function contentOf(answer: Response, url: string, signal: AbortSignal | undefined): Promise<unknown> {
  const text = await answer.text().catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw unreachable(url, whyUnreachable(cause), cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreachable(url, "Something else responds there: the answer is not JSON.", cause);
  }
}

function unreachable(url: string, problem: string, cause?: unknown): GantryError {
  return new GantryError("unavailable", { what: `The portal at ${url}`, problem }, { cause });
}

function whyUnreachable(cause: unknown): string {
  const problem = connectionProblem(cause);
  const isUntrusted = /not signed by an authority/.test(problem);
  return isUntrusted ? `${problem}. NODE_EXTRA_CA_CERTS names a file with further authorities` : problem;
}

export const signInLink = z.object({ url: z.string() });
