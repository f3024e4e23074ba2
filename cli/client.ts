// The client of the portal's public API that the CLI uses.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { errorOf } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";
import manifest from "./package.json" with { type: "json" };

export type PortalClient = {
  readonly url: string;
  readonly get: <T>(path: string, answer: z.ZodType<T>) => Promise<T>;
  /** `key`: the Idempotency-Key, for requests that start a task. */
  readonly post: <T>(path: string, body: object, answer: z.ZodType<T>, key?: string) => Promise<T>;
  /** `ifMatch`: the revision that the change was decided on. */
  readonly patch: <T>(path: string, body: object, answer: z.ZodType<T>, ifMatch: string) => Promise<T>;
  /** For changes whose response has no content. */
  readonly change: (path: string) => Promise<void>;
  readonly delete: (path: string) => Promise<void>;
};

/** Uses the administrator's token from the data folder of the portal. */
export function openPortal(url: string, data: string, signal: AbortSignal): PortalClient {
  return portalClient(url, readFileSync(join(data, "admin-token"), "utf8").trim(), signal);
}

/** `signal` aborts requests. Throws the errors of the portal, and `unavailable` when it cannot be reached. */
export function portalClient(url: string, token: string, signal: AbortSignal): PortalClient {
  const ask = async <T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        "user-agent": `gantry-cli/${manifest.version}`,
        ...(body ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new GantryError("unavailable", { what: `The portal at ${url}`, problem: whyUnreachable(cause) }, { cause });
    });
    const content: unknown = answer.status === 204 ? undefined : await answer.json();
    if (!answer.ok)
      throw (
        errorOf(content) ??
        new GantryError("unavailable", { what: "The portal", problem: `It responded with status ${answer.status}.` })
      );
    return schema.parse(content);
  };
  return {
    url,
    get: (path, schema) => ask("GET", path, schema),
    post: (path, body, schema, key) =>
      ask("POST", path, schema, body, key === undefined ? {} : { "idempotency-key": key }),
    patch: (path, body, schema, ifMatch) => ask("PATCH", path, schema, body, { "if-match": ifMatch }),
    change: (path) => ask("POST", path, z.undefined(), {}),
    delete: (path) => ask("DELETE", path, z.undefined()),
  };
}

function whyUnreachable(cause: unknown): string {
  const problem = connectionProblem(cause);
  const isUntrusted = /not signed by an authority/.test(problem);
  return isUntrusted ? `${problem}. NODE_EXTRA_CA_CERTS names a file with further authorities` : problem;
}

export const signInLink = z.object({ url: z.string() });
