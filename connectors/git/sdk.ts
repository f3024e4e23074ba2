// How the vendors' own client libraries are called: with the time limit, the size limit and the ban on redirects that
// they lack, and with their errors turned into ours.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { z } from "zod";
import { answerProblem, isJson } from "../answer-problem.ts";
import { tlsProblem } from "../certificate.ts";
import { problemOf } from "../http-problem.ts";
import { type HostAccess, withoutToken } from "./host.ts";

export type SdkRefusal = { readonly ok: false; readonly status: number; readonly problem: string };
export type SdkAnswer<T> = { readonly ok: true; readonly data: T };

export type SdkCall<Api, T> = {
  /** For errors: "create repository orders". */
  readonly what: string;
  /** What is needed of the answer; the libraries' own types promise more than the hosts keep. */
  readonly schema: z.core.$ZodType<T>;
  /** Statuses that are ordinary answers. */
  readonly expect?: readonly number[];
  /** One request with the library. */
  readonly send: (api: Api) => Promise<{ readonly data: unknown }>;
};

/**
 * One call through a library. `openApi`: opens the library, which must use this fetch. Throws `certificate-untrusted`,
 * `credential-refused` (401), `system-forbidden` (403), `system-unavailable` (no
 * answer, 408, 429, 5xx, a rate limit reported as 403), `system-refused` (other 4xx), `system-strange` (a redirect, other
 * fields than needed, too large), or the reason of the signal.
 */
export async function callSdk<Api, T>(
  access: HostAccess,
  openApi: (access: HostAccess, fetch: typeof globalThis.fetch) => Api,
  call: SdkCall<Api, T>,
): Promise<SdkAnswer<T> | SdkRefusal> {
  const details = { system: access.system.name, what: call.what };
  // The libraries bury what a fetch throws, so it is kept aside here.
  let lost: { readonly error: unknown } | undefined;
  const guarded: typeof fetch = async (input, init) => {
    try {
      return await fetchBounded(access, details, input, init);
    } catch (error) {
      lost = { error };
      throw error;
    }
  };
  try {
    const { data } = await call.send(openApi(access, guarded));
    const checked = z.safeParse(call.schema, data);
    if (checked.success) return { ok: true, data: checked.data };
    const isData = isJsonObject(data) || Array.isArray(data);
    throw new GantryError("system-strange", {
      ...details,
      problem: answerProblem(checked.error),
      ...(isData ? {} : { status: 200 }),
    });
  } catch (error) {
    if (lost !== undefined) throw lost.error;
    const refused = refusedBy(access, error);
    if (refused === undefined) throw error;
    if (call.expect?.includes(refused.status)) return { ok: false, status: refused.status, problem: refused.problem };
    throw refusalOf(details, refused);
  }
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 8 * 1024 * 1024;
const LONGEST_PAUSE_MS = 3_600_000;

type Details = { readonly system: string; readonly what: string };
type Refused = { readonly status: number; readonly problem: string; readonly pauseMs: number | undefined };

/** Both libraries throw an Error with `status`; octokit keeps the answer in `response`, bitbucket in the error itself. */
function refusedBy(access: HostAccess, error: unknown): Refused | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  const answer = "response" in error && isJsonObject(error.response) ? error.response : undefined;
  const headers = answer?.headers ?? ("headers" in error ? error.headers : undefined);
  const body = answer?.data ?? ("error" in error ? error.error : undefined);
  return {
    status: error.status,
    problem: withoutToken(problemOf(body), access.system),
    pauseMs: (isJsonObject(headers) ? pauseOf(headers) : undefined) ?? pauseWanted(problemOf(body)),
  };
}

function refusalOf(details: Details, refused: Refused): GantryError {
  const { status } = refused;
  const all = {
    ...details,
    status,
    problem: `status ${status}${refused.problem === "" ? "" : `: ${refused.problem}`}`,
  };
  if (refused.pauseMs !== undefined && (status === 403 || status === 429)) {
    return new GantryError("system-unavailable", { ...all, retryAfterMs: refused.pauseMs });
  }
  if (status === 401) return new GantryError("credential-refused", all);
  if (status === 403) return new GantryError("system-forbidden", all);
  if (status === 408 || status === 429 || status >= 500) return new GantryError("system-unavailable", all);
  return new GantryError(status < 400 ? "system-strange" : "system-refused", all);
}

/** GitHub's secondary limits may come without a header; its documentation then asks for at least a minute. */
function pauseWanted(problem: string): number | undefined {
  return /secondary rate limit|abuse detection/i.test(problem) ? 60_000 : undefined;
}

/** How long the host asks to wait: `retry-after` in seconds or as a date, or GitHub's `x-ratelimit-*`. */
function pauseOf(headers: Readonly<Record<string, unknown>>): number | undefined {
  const after = headers["retry-after"];
  if (typeof after === "string" && /^\d{1,9}$/.test(after)) return Math.min(Number(after) * 1000, LONGEST_PAUSE_MS);
  const date = typeof after === "string" ? Date.parse(after) : Number.NaN;
  if (!Number.isNaN(date)) return Math.min(Math.max(date - Date.now(), 1_000), LONGEST_PAUSE_MS);
  const reset = headers["x-ratelimit-reset"];
  if (headers["x-ratelimit-remaining"] !== "0" || typeof reset !== "string" || !/^\d{1,12}$/.test(reset))
    return undefined;
  return Math.min(Math.max(Number(reset) * 1000 - Date.now(), 1_000), LONGEST_PAUSE_MS);
}

async function fetchBounded(
  access: HostAccess,
  details: Details,
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
): Promise<Response> {
  access.signal.throwIfAborted();
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = AbortSignal.any([access.signal, timeout]);
  const send = () => access.fetch(input, { ...init, redirect: "manual", signal });
  // Reading is tried again at once: the connection may have been an idle one that the host had closed.
  const readsOnly = init?.method === "GET" || init?.method === "HEAD";
  try {
    const response = await (readsOnly
      ? send().catch((error) => (signal.aborted ? Promise.reject(error) : send()))
      : send());
    if (response.status >= 300 && response.status < 400) {
      const problem = `it redirects elsewhere (status ${response.status}); was the repository renamed?`;
      throw new GantryError("system-strange", { ...details, problem, status: response.status });
    }
    const body = await readBounded(response, details);
    mustBeOfTheApi(details, response, body);
    const headers = new Headers(response.headers);
    // One of the libraries cannot read an answer without a type.
    if (!headers.has("content-type")) headers.set("content-type", "text/plain; charset=utf-8");
    const { status, statusText } = response;
    return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
  } catch (error) {
    if (access.signal.aborted) throw access.signal.reason;
    if (error instanceof GantryError) throw error;
    const untrusted = tlsProblem(error);
    if (untrusted !== undefined) throw new GantryError("certificate-untrusted", { ...details, problem: untrusted });
    const problem = timeout.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : connectionProblem(error);
    throw new GantryError("system-unavailable", { ...details, problem }, { cause: error });
  }
}

/** Answers whose status alone says who has to act: the credentials, the rights, or the host. */
const TELLING = [401, 403, 408, 429];

/**
 * A proxy in front of a host that starts answers with pages and texts: neither its 200 nor its 404 says anything about a
 * repository. All hosts answer in JSON, or with 2xx without a body.
 */
function mustBeOfTheApi(details: Details, { status, headers }: Response, body: Uint8Array): void {
  if (status >= 500 || TELLING.includes(status)) return;
  const text = Buffer.from(body).toString("utf8").trim();
  if (text === "" ? status !== 404 : isJson(text)) return;
  const what = /html/.test(headers.get("content-type") ?? "") ? "a web page" : "a text";
  const problem = `status ${status} ${text === "" ? "without a body" : `with ${what} instead of data`}`;
  throw new GantryError("system-strange", { ...details, problem, status });
}

async function readBounded(response: Response, details: Details): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) {
      throw new GantryError("system-strange", { ...details, problem: `the answer is larger than ${MAX_BYTES} bytes` });
    }
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}
