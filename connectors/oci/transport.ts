// Requests to one registry: finds out which authentication it wants (Bearer or Basic), keeps the tokens, and turns every bad
// answer into the error that says who has to act. Credentials go only to the registry's own host.

import { GantryError } from "@gantry/core/errors.ts";
import { connectionProblem } from "@gantry/core/system-error-words.ts";
import { machineDeadline } from "@gantry/runtime/deadline.ts";
import { z } from "zod";
import { tlsProblem } from "../certificate.ts";
import { basicAuth } from "../http.ts";
import { problemOf } from "../http-problem.ts";

export type RegistryOptions = {
  /** Name for people, e.g. `harbor (seoul)` or `docker.io`. */
  readonly title: string;
  /** `https://harbor.example:8443`; everything is asked below `/v2/`. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Hosts that may see the credentials besides the registry's own, e.g. the address of Harbor's portal. */
  readonly trustedHosts?: readonly string[];
  /** Somebody named it in a file: no error quotes what it answers, because it may be no registry at all. */
  readonly isForeign?: true;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Largest piece of a blob that is sent at once, in bytes; proxies in front of a registry may limit it. */
  readonly chunkBytes?: number;
};

export type RegistryRequest = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A path below the registry's address, or a whole address that the registry gave. */
  readonly address: string;
  /** `repository:a/b:pull,push` */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For errors: "read manifest web:1". */
  readonly what: string;
  /** Statuses besides 2xx that are ordinary answers. */
  readonly expect?: readonly number[];
  /** The caller looks by itself how far it came before it sends again. All other requests are safe to repeat at once. */
  readonly once?: true;
};

/**
 * Sends one request. The caller must read or cancel the body of the answer. Throws `certificate-untrusted`, `credential-refused`,
 * `system-forbidden`, `system-unavailable` (no connection, no answer in time, 408, 429, 5xx), `system-refused` (other 4xx)
 * and `system-strange`; when the signal aborts, its reason. Safe to use concurrently.
 */
export type Transport = (request: RegistryRequest) => Promise<Response>;

/** What the calls of one client share. */
export type RegistryCall = { readonly options: RegistryOptions; readonly send: Transport };

export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`;
}

const TIMEOUT_MS = 60_000;
const QUICK_RETRIES = 2;
const UPLOAD_TIMEOUT_MS = 600_000;
const MAX_SMALL_ANSWER = 1024 * 1024;

/** Registries write the same answer in several ways: an empty `token` beside an `access_token`, a lifetime as text or null. */
const tokenAnswer = z.object({
  token: z.string().nullish(),
  access_token: z.string().nullish(),
  expires_in: z.unknown().optional(),
});
/** In seconds; what the token specification says when an answer says nothing. */
const DEFAULT_TOKEN_LIFE = 60;

type Challenge = { readonly scheme: string; readonly realm: string; readonly service: string };
type Token = { readonly header: string; readonly untilMs: number };

export function createTransport(options: RegistryOptions): Transport {
  const tokens = new Map<string, Token>();
  return async (request) => {
    const url = new URL(request.address, `${options.url}/`);
    // An upload may be sent to another server that the registry names; the token is not for that one.
    const own = url.origin === new URL(options.url).origin;
    const key = request.scopes.join(" ");
    const known = own ? tokens.get(key) : undefined;
    const usable = known !== undefined && known.untilMs > options.nowMs() ? known.header : undefined;
    const first = await sendPatiently(options, url, request, usable);
    if (first.status !== 401 || !own) return checkStatus(options, request, first, usable);
    const complaint = await problemText(options, first);
    const challenge = challengeOf(first.headers.get("www-authenticate"));
    const token = await authorize(options, request, challenge, complaint, usable !== undefined);
    tokens.set(key, token);
    return checkStatus(options, request, await sendPatiently(options, url, request, token.header), token.header);
  };
}

/** The body of an answer. Throws `system-strange` above the limit, and `system-unavailable` when the connection breaks. */
export async function readAnswer(
  options: RegistryOptions,
  what: string,
  response: Response,
  limit: number,
): Promise<Buffer> {
  const tooLong = (problem: string): Error => registryError(options, "system-strange", what, problem);
  return readBounded(response, limit, tooLong).catch((error: unknown) => {
    options.signal.throwIfAborted();
    if (error instanceof GantryError) throw error;
    throw registryError(options, "system-unavailable", what, connectionProblem(error));
  });
}

async function readBounded(response: Response, limit: number, fail: (problem: string) => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw fail(`the answer is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `status`: that of the answer, where it may be one of a proxy in front of a registry that starts; see ../outlast.ts. */
export function registryError(
  options: Pick<RegistryOptions, "title">,
  code:
    | "certificate-untrusted"
    | "credential-refused"
    | "system-forbidden"
    | "system-unavailable"
    | "system-refused"
    | "system-strange",
  what: string,
  problem: string,
  status?: number,
): GantryError {
  return new GantryError(code, { system: options.title, what, problem, ...(status === undefined ? {} : { status }) });
}

/** Tried again at once, in case an idle connection was closed or one backend of a load balancer is bad. */
async function sendPatiently(
  options: RegistryOptions,
  url: URL,
  request: RegistryRequest,
  authorization: string | undefined,
): Promise<Response> {
  for (let left = request.once ? 0 : QUICK_RETRIES; ; left--) {
    try {
      const response = await sendOnce(options, url, request, authorization);
      if (left === 0 || ![502, 503, 504].includes(response.status)) return response;
      await response.body?.cancel();
    } catch (error) {
      if (left === 0 || !(error instanceof GantryError) || error.code === "certificate-untrusted") throw error;
    }
  }
}

async function sendOnce(
  options: RegistryOptions,
  url: URL,
  request: RegistryRequest,
  authorization: string | undefined,
): Promise<Response> {
  options.signal.throwIfAborted();
  const timeoutMs = request.body === undefined ? TIMEOUT_MS : UPLOAD_TIMEOUT_MS;
  // Only the wait for the answer's head is limited: a large layer may take its time.
  const timeout = machineDeadline(timeoutMs);
  try {
    return await options.fetch(url, {
      method: request.method,
      headers: {
        "user-agent": "gantry",
        ...request.headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: request.body as Uint8Array<ArrayBuffer> | undefined,
      signal: AbortSignal.any([options.signal, timeout.signal]),
      // Layers often live elsewhere; fetch drops the Authorization header when it leaves the origin.
      redirect: request.method === "GET" || request.method === "HEAD" ? "follow" : "manual",
    });
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof GantryError) throw error;
    const untrusted = tlsProblem(error);
    if (untrusted !== undefined) throw registryError(options, "certificate-untrusted", request.what, untrusted);
    const problem = timeout.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : connectionProblem(error);
    throw registryError(options, "system-unavailable", request.what, problem);
  } finally {
    timeout.cancel();
  }
}

async function authorize(
  options: RegistryOptions,
  request: RegistryRequest,
  challenge: Challenge | undefined,
  complaint: string,
  known: boolean,
): Promise<Token> {
  const { credentials } = options;
  if (!challenge) {
    // The request is refused with a valid token, and no other token is asked for: the right is missing.
    const code = known ? "system-forbidden" : "credential-refused";
    throw registryError(options, code, request.what, complaint || "status 401", 401);
  }
  if (challenge.scheme === "basic") {
    if (!credentials) throw registryError(options, "credential-refused", request.what, "it asks for a password", 401);
    return { header: basicAuth(credentials.username, credentials.password), untilMs: Number.MAX_SAFE_INTEGER };
  }
  const realm = realmOf(options, request, challenge);
  for (const scope of request.scopes) realm.searchParams.append("scope", scope);
  const trusted = mayTrust(options, realm);
  const login: RegistryRequest = { method: "GET", address: realm.href, scopes: [], what: "get a token" };
  const authorization = credentials && trusted ? basicAuth(credentials.username, credentials.password) : undefined;
  const response = await checkStatus(
    options,
    login,
    await sendPatiently(options, realm, login, authorization),
    authorization,
  );
  const fail = (problem: string): GantryError => registryError(options, "system-strange", login.what, problem, 200);
  const answer = tokenAnswer.safeParse(parseJson(await readAnswer(options, login.what, response, MAX_SMALL_ANSWER)));
  const token = answer.data?.token || answer.data?.access_token;
  if (!token) throw fail("the token service gave no token");
  const expiresIn = Number.parseFloat(String(answer.data?.expires_in));
  // Half a minute less, so that no token expires on its way.
  const lifeMs = (expiresIn >= 0 ? expiresIn : DEFAULT_TOKEN_LIFE) * 1000 - 30_000;
  return { header: `Bearer ${token}`, untilMs: options.nowMs() + lifeMs };
}

function realmOf(options: RegistryOptions, request: RegistryRequest, challenge: Challenge): URL {
  // A realm may be written as a path of the registry.
  const realm = challenge.realm === "" ? null : URL.parse(challenge.realm, `${options.url}/`);
  const own = realm !== null && realm.host === new URL(options.url).host;
  // A registry that is named in a Dockerfile must not make the runner send requests to plain HTTP addresses of its network.
  if (!realm || (realm.protocol !== "https:" && !own && !mayTrust(options, realm))) {
    throw registryError(options, "system-strange", request.what, "its token service has no usable address");
  }
  if (challenge.service !== "") realm.searchParams.set("service", challenge.service);
  return realm;
}

function mayTrust(options: RegistryOptions, realm: URL): boolean {
  const registry = new URL(options.url);
  const known = realm.host === registry.host || (options.trustedHosts ?? []).includes(realm.host);
  return known && (realm.protocol === "https:" || registry.protocol === "http:");
}

async function checkStatus(
  options: RegistryOptions,
  request: RegistryRequest,
  response: Response,
  authorization: string | undefined,
): Promise<Response> {
  const { status } = response;
  const isPage = /html/.test(response.headers.get("content-type") ?? "");
  if ((status >= 200 && status < 300) || request.expect?.includes(status)) {
    if (!isPage) return response;
    await response.body?.cancel();
    throw registryError(options, "system-strange", request.what, `status ${status} with a web page`, status);
  }
  const reason = await problemText(options, response);
  const text = `status ${status}${reason === "" ? "" : `: ${reason}`}`;
  if (status === 401 && options.credentials && authorization?.startsWith("Bearer ")) {
    // The token service knew the account; what it lacks is the right.
    throw registryError(options, "system-forbidden", request.what, text, status);
  }
  if (status === 401) throw registryError(options, "credential-refused", request.what, text, status);
  if (status === 403) throw registryError(options, "system-forbidden", request.what, text, status);
  if (status === 408 || status === 429 || status >= 500) {
    throw registryError(options, "system-unavailable", request.what, text, status);
  }
  throw registryError(
    options,
    status < 400 || isPage ? "system-strange" : "system-refused",
    request.what,
    text,
    status,
  );
}

async function problemText({ isForeign }: RegistryOptions, response: Response): Promise<string> {
  if (isForeign) {
    await response.body?.cancel();
    return "";
  }
  const tooLong = (problem: string): Error => new Error(problem);
  // The status says what happened; a complaint that cannot be read only makes the sentence shorter.
  const body = await readBounded(response, MAX_SMALL_ANSWER, tooLong).catch(() => Buffer.alloc(0));
  return problemOf(parseJson(body));
}

/**
 * `Bearer realm="…",service="…"`. Several challenges may share a header; Bearer is preferred to Basic:
 * it also works without an account.
 */
function challengeOf(header: string | null): Challenge | undefined {
  const challenges = [
    ...(header ?? "").matchAll(/\b(bearer|basic)\s+((?:[a-z0-9_-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+)[\s,]*)*)/gi),
  ];
  const match = challenges.find(([, scheme]) => scheme?.toLowerCase() === "bearer") ?? challenges[0];
  if (!match) return /\bbasic\b/i.test(header ?? "") ? { scheme: "basic", realm: "", service: "" } : undefined;
  const fields = new Map<string, string>();
  for (const [, name = "", quoted, plain = ""] of (match[2] ?? "").matchAll(
    /([a-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi,
  )) {
    fields.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1"));
  }
  const scheme = match[1]?.toLowerCase() ?? "";
  return { scheme, realm: fields.get("realm") ?? "", service: fields.get("service") ?? "" };
}

/** Undefined when it is not JSON. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
