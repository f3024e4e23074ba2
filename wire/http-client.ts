// One way for our processes to call each other: JSON over HTTP with a bearer token, a deadline, a bounded answer that is
// checked by its schema, and errors that keep their code.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { type MakeDeadline, machineDeadline } from "@gantry/runtime/deadline.ts";
import { errorOf } from "@gantry/runtime/http/problem.ts";
import type { z } from "zod";
import { PLATFORM_PROTOCOL, PROTOCOL_HEADER, versionsText } from "./protocol-version.ts";

export type CallerOptions = {
  /** Who answers, for error sentences: `task-agent`. */
  readonly what: string;
  /** Address without a path. */
  readonly url: string;
  /** Path before all paths, e.g. `/agent/v1`. */
  readonly prefix: string;
  readonly token: string;
  /** Sent with every call. */
  readonly headers?: { readonly [name: string]: string };
  /** Milliseconds until a call is given up (10 s); the `waitMs` of a long poll comes on top. */
  readonly deadlineMs?: number;
  readonly fetch?: typeof fetch;
  readonly deadline?: MakeDeadline;
};

export type CallOptions = {
  readonly query?: { readonly [name: string]: string | number | undefined };
  readonly body?: JsonValue;
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
};

/**
 * Throws the other side's error with its code; `unavailable` when it cannot be reached, is too slow or answers in words
 * that are not its own (a proxy's error page); `system-strange` for an answer that does not fit. An abort by `signal`
 * throws its reason.
 */
export type Caller = {
  readonly json: <T>(
    method: "GET" | "POST",
    path: readonly string[],
    answer: z.ZodType<T>,
    options?: CallOptions,
  ) => Promise<T>;
  readonly bytes: (path: readonly string[], options?: CallOptions) => Promise<{ bytes: Buffer; headers: Headers }>;
};

const DEADLINE_MS = 10_000;
/** Larger answers are refused: nothing we ask for is near it. */
const MAX_ANSWER = 64 * 1_048_576;

export function makeCaller(options: CallerOptions): Caller {
  const send = async (
    method: string,
    path: readonly string[],
    call: CallOptions,
  ): Promise<{ bytes: Buffer; headers: Headers }> => {
    const deadline = (options.deadline ?? machineDeadline)((options.deadlineMs ?? DEADLINE_MS) + (call.waitMs ?? 0));
    const signal = call.signal ? AbortSignal.any([call.signal, deadline.signal]) : deadline.signal;
    try {
      const answer = await (options.fetch ?? fetch)(addressOf(options, path, call), {
        method,
        redirect: "error",
        signal,
        headers: {
          ...options.headers,
          authorization: `Bearer ${options.token}`,
          [PROTOCOL_HEADER]: versionsText(PLATFORM_PROTOCOL),
          accept: "application/json",
          ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
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
    bytes: (path, call = {}) => send("GET", path, call),
    json: async (method, path, answer, call = {}) => {
      const { bytes } = await send(method, path, call);
      const parsed = answer.safeParse(parseJson(bytes));
      if (parsed.success) return parsed.data;
      const where = parsed.error.issues[0]?.path.join(".") ?? "";
      throw new GantryError("system-strange", {
        system: options.what,
        what: `${method} ${path.join("/")}`,
        problem: `The answer does not fit${where ? ` at ${where}` : ""}.`,
      });
    },
  };
}

/** Every part of the path is encoded; `.` and `..` would leave the path and are refused. */
function addressOf({ url, prefix }: CallerOptions, path: readonly string[], { query }: CallOptions): string {
  if (path.some((part) => part === "" || part === "." || part === "..")) {
    throw new GantryError("bad-request", { problem: "a name in the address is empty or made of dots" });
  }
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, String(value));
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
  const told = errorOf(parseJson(bytes));
  // Our own token being refused is not the fault of the person who asked us.
  if (told && told.code !== "unauthenticated" && told.code !== "forbidden") return told;
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
