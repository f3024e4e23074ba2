// The client that our processes use to call each other: JSON over HTTP with a bearer token, a deadline, a size limit,
// answers validated by a schema, and errors that keep their code.

import { GantryError } from "@gantry/core/errors.ts";
import { type MakeDeadline, machineDeadline } from "@gantry/runtime/deadline.ts";
import { errorOf } from "@gantry/runtime/http/problem.ts";
import type { ParamsOf, Parsed, RouteSpec } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { PLATFORM_PROTOCOL, PROTOCOL_HEADER, versionsText } from "./protocol-version.ts";

export type CallerOptions = {
  /** The name of the server in error messages: `task-agent`. */
  readonly what: string;
  /** URL without a path. */
  readonly url: string;
  /** Prefix of all paths, e.g. `/agent/v1`. */
  readonly prefix: string;
  readonly token: string;
  /** Sent with every call. */
  readonly headers?: { readonly [name: string]: string };
  /** Milliseconds until a call fails (default 10 s); the `waitMs` of a long poll is added. */
  readonly deadlineMs?: number;
  readonly fetch?: typeof fetch;
  readonly deadline?: MakeDeadline;
};

/** `waitMs`: how long the server may hold the answer; it is added to the deadline. */
export type CallOptions = { readonly waitMs?: number | undefined; readonly signal?: AbortSignal | undefined };

type QueryOf<S> = S extends z.core.$ZodType
  ? { readonly query: { readonly [K in keyof z.output<S>]?: string | number | undefined } }
  : { readonly query?: undefined };
type BodyOf<S> = S extends z.core.$ZodType ? { readonly body: z.input<S> } : { readonly body?: undefined };

/** What a route needs to be called; fields of the query that are undefined are left out. */
export type RouteRequest<R extends RouteSpec> = {
  readonly params: ParamsOf<R>;
} & QueryOf<R["query"]> &
  BodyOf<R["body"]>;

/**
 * Throws the error of the server with its code; `unavailable` when the server cannot be reached, is too slow, or something
 * else answered (a proxy's error page); `system-strange` for an answer that does not match the schema. An abort by
 * `signal` throws its reason.
 */
export type Caller = {
  readonly call: <R extends RouteSpec>(
    route: R,
    request: RouteRequest<R>,
    options?: CallOptions,
  ) => Promise<Parsed<R["answer"]>>;
  readonly bytes: <R extends RouteSpec>(
    route: R,
    request: RouteRequest<R>,
    options?: CallOptions,
  ) => Promise<{ readonly bytes: Buffer; readonly headers: Headers }>;
};

/** A request whose types were checked by the caller. */
type AnyRequest = {
  readonly params: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly body?: unknown;
};

const DEADLINE_MS = 10_000;
/** Larger answers are refused; no answer of ours comes close. */
const MAX_ANSWER = 64 * 1_048_576;

export function makeCaller(options: CallerOptions): Caller {
  const send = async (
    route: RouteSpec,
    request: AnyRequest,
    call: CallOptions,
  ): Promise<{ bytes: Buffer; headers: Headers }> => {
    const deadline = (options.deadline ?? machineDeadline)((options.deadlineMs ?? DEADLINE_MS) + (call.waitMs ?? 0));
    const signal = call.signal ? AbortSignal.any([call.signal, deadline.signal]) : deadline.signal;
    try {
      const answer = await (options.fetch ?? fetch)(addressOf(options, route, request), {
        method: route.method,
        redirect: "error",
        signal,
        headers: {
          ...options.headers,
          authorization: `Bearer ${options.token}`,
          [PROTOCOL_HEADER]: versionsText(PLATFORM_PROTOCOL),
          accept: "application/json",
          ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      });
      const bytes = await readAnswer(answer);
      if (!answer.ok) throw problemIn(bytes, answer.status, options.what);
      return { bytes, headers: answer.headers };
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof GantryError) throw error;
      const problem = deadline.signal.aborted ? "It did not answer in time." : "The connection failed.";
      throw new GantryError("unavailable", { what: options.what, problem }, { cause: error });
    } finally {
      deadline.cancel();
    }
  };

  return {
    bytes: (route, request, call = {}) => send(route, request, call),
    call: async <R extends RouteSpec>(route: R, request: RouteRequest<R>, call: CallOptions = {}) => {
      const { bytes } = await send(route, request, call);
      // The answer of a route without a schema is not read.
      const parsed = z.safeParse(route.answer ?? NO_ANSWER, parseJson(bytes));
      if (parsed.success) return parsed.data as Parsed<R["answer"]>;
      const where = parsed.error.issues[0]?.path.join(".") ?? "";
      throw new GantryError("system-strange", {
        system: options.what,
        what: `call ${route.method} ${partsOf(route, request).join("/")}`,
        problem: `The answer does not fit${where ? ` at ${where}` : ""}.`,
      });
    },
  };
}

const NO_ANSWER = z.unknown().transform(() => undefined);

function partsOf({ path }: RouteSpec, { params }: AnyRequest): readonly string[] {
  return path
    .slice(1)
    .split("/")
    .map((part) => (part.startsWith("{") ? (params[part.slice(1, -1)] ?? "") : part));
}

/** Encodes every part of the path; refuses empty parts, `.` and `..`, which would change the path. */
function addressOf({ url, prefix }: CallerOptions, route: RouteSpec, request: AnyRequest): string {
  const path = partsOf(route, request);
  if (path.some((part) => part === "" || part === "." || part === "..")) {
    throw new GantryError("bad-request", { problem: "a name in the path is empty, or consists of dots" });
  }
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) search.set(name, String(value));
  const base = `${url.replace(/\/+$/, "")}${prefix}/${path.map(encodeURIComponent).join("/")}`;
  return search.size > 0 ? `${base}?${search}` : base;
}

async function readAnswer(answer: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function problemIn(bytes: Buffer, status: number, what: string): GantryError {
  const known = errorOf(parseJson(bytes));
  // A refused token of this process is not the fault of its caller.
  if (known && known.code !== "unauthenticated" && known.code !== "forbidden") return known;
  const problem = status === 401 || status === 403 ? "It refused our token." : `It answered with status ${status}.`;
  return new GantryError("unavailable", { what, problem });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}
