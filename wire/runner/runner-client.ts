// The client of the runner protocol: one method per call, with its own deadline; answers are validated. Failures are
// GantryErrors: those of the agent, or `unavailable` when the agent did not answer.

import { ERRORS, GantryError } from "@gantry/core/errors.ts";
import { describeIssues } from "@gantry/core/issues.ts";
import { type MakeDeadline, machineDeadline } from "@gantry/runtime/deadline.ts";
import { errorOf, PROBLEM_TYPE } from "@gantry/runtime/http/problem.ts";
import type { Parsed, RouteSpec } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { PROOFS_SINCE, PROTOCOL_HEADER, RUNNER_PROTOCOL, versionsText } from "../protocol-version.ts";
import { type EnrolRequest, IDENTITY_ROUTES, type TokenReply, type TokenRequest } from "./identity.ts";
import { type JobRef, type PollRequest, withoutProof } from "./protocol.ts";
import {
  RUNNER_CALLS,
  RUNNER_CONTENT,
  RUNNER_LOG,
  RUNNER_PREFIX,
  RUNNER_UPLOAD,
  type RunnerCallName,
  type RunnerCalls,
} from "./routes.ts";

/** `timeoutMs` shortens the deadline of the call; `signal` aborts it. */
export type CallOptions = { readonly signal?: AbortSignal; readonly timeoutMs?: number };

/** Bytes of a step's log from `offset` on. */
export type LogChunk = {
  readonly session: string;
  readonly ref: JobRef;
  readonly step: string;
  readonly offset: number;
  /** CRC-32 of the bytes. */
  readonly crc: number;
  readonly final: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** Bytes of a file with this digest and size, from `offset` on. */
export type ArtifactChunk = Pick<LogChunk, "session" | "ref" | "offset" | "bytes"> & {
  readonly digest: string;
  readonly size: number;
};

/** See artifacts.ts. `offset`: of the first byte that is wanted. */
export type ArtifactPlace = Pick<LogChunk, "session" | "ref" | "offset"> & {
  /** Key of the job that saved it. */
  readonly from: string;
  readonly name: string;
  readonly digest: string;
  /** Absent: the list of its files. */
  readonly file?: number | undefined;
};

/**
 * All calls may run concurrently and are safe to repeat. They throw the errors that their route declares (`ack` of
 * `log-rewind` is the offset at which to continue); `unavailable` when the agent did not answer, or not in time; and the
 * signal's reason when it was aborted.
 */
export type RunnerClient = {
  readonly [Name in RunnerCallName]: (
    body: z.input<RunnerCalls[Name]["body"]>,
    options?: CallOptions,
  ) => Promise<AnswerTo<RunnerCalls[Name]>>;
} & {
  /** `ack`: how many bytes of the log the agent has. */
  readonly log: (chunk: LogChunk, options?: CallOptions) => Promise<Parsed<typeof RUNNER_LOG.answer>>;
  /** `ack`: how many bytes of the file the store has. */
  readonly uploadArtifact: (
    chunk: ArtifactChunk,
    options?: CallOptions,
  ) => Promise<Parsed<typeof RUNNER_UPLOAD.answer>>;
  /** At most `ARTIFACT_CHUNK` bytes; fewer only at the end. */
  readonly artifactContent: (place: ArtifactPlace, options?: CallOptions) => Promise<Buffer>;
};
type AnswerTo<R extends RouteSpec> = R extends { readonly answer: infer A extends z.core.$ZodType }
  ? z.output<A>
  : undefined;

export type RunnerClientOptions = {
  /** URL of the task-agent, without `/runner/v1`. */
  readonly url: string;
  /** Read before every call, so that a renewed token is used at once. */
  readonly token: () => string | Promise<string>;
  readonly fetch: typeof fetch;
  readonly deadline?: MakeDeadline;
};

/** Of answers, in bytes. Two may hold what others have produced: a whole job, and the result of an earlier change. */
const MAX_ANSWER = 2 * 1_048_576;
const MAX_LARGE_ANSWER = 16 * 1_048_576;
const LARGE_ANSWERS: ReadonlySet<RunnerCallName> = new Set(["claim", "effectBegin"]);
const VERSIONS = versionsText(RUNNER_PROTOCOL);

export function createRunnerClient(options: RunnerClientOptions): RunnerClient {
  /** Of the agent that answered the last registration. */
  let version: number = RUNNER_PROTOCOL.newest;
  const post = <Name extends RunnerCallName>(name: Name): RunnerClient[Name] =>
    // The answer was checked by the schema of this very call.
    (async (body: object, call: CallOptions = {}): Promise<unknown> => {
      const { path, answer, deadlineMs }: RunnerRoute = RUNNER_CALLS[name];
      const known = version >= PROOFS_SINCE ? body : withoutProofs(body);
      const sent = { type: "application/json", bytes: JSON.stringify(known) };
      const waitMs = name === "poll" ? (body as PollRequest).waitMs : 0;
      const limit = LARGE_ANSWERS.has(name) ? MAX_LARGE_ANSWER : MAX_ANSWER;
      const got = await send(options, path, sent, { ms: deadlineMs + waitMs, limit }, call);
      return answer && read(answer, got);
    }) as RunnerClient[Name];
  const register = post("session");
  return {
    session: async (body, call) => {
      try {
        version = RUNNER_PROTOCOL.newest;
        const reply = await register(body, call);
        version = reply.protocol ?? 1;
        return reply;
      } catch (error) {
        // An agent of version 1 refuses proofs and unknown fields, and only its answer shows the version.
        if (!(error instanceof GantryError) || error.code !== "bad-request") throw error;
        version = 1;
        const { runs: _, forks: __, obeys: ___, ...known } = body;
        return register(known, call);
      }
    },
    poll: post("poll"),
    claim: post("claim"),
    decline: post("decline"),
    start: post("start"),
    ownLog: post("ownLog"),
    heartbeat: post("heartbeat"),
    progress: post("progress"),
    effectBegin: post("effectBegin"),
    effectEnd: post("effectEnd"),
    saveArtifact: post("saveArtifact"),
    fetchArtifacts: post("fetchArtifacts"),
    report: post("report"),
    observe: post("observe"),
    uploadArtifact: async ({ session, ref, digest, size, offset, bytes }, call = {}) => {
      const path = addressOf(RUNNER_UPLOAD, ref, { digest }, { session, fence: ref.fence, size, offset });
      const body = { type: "application/octet-stream", bytes };
      const limits = { ms: RUNNER_UPLOAD.deadlineMs, limit: MAX_ANSWER };
      return read(RUNNER_UPLOAD.answer, await send(options, path, body, limits, call));
    },
    artifactContent: ({ session, ref, from, name, digest, file, offset }, call = {}) => {
      const query = { session, fence: ref.fence, from, name, digest, file, offset };
      const body = { type: "application/octet-stream", bytes: "" };
      const limits = { ms: RUNNER_CONTENT.deadlineMs, limit: MAX_LARGE_ANSWER };
      return send(options, addressOf(RUNNER_CONTENT, ref, {}, query), body, limits, call, bytesOf);
    },
    log: async (chunk, call = {}) => {
      const body = { type: "application/octet-stream", bytes: chunk.bytes };
      return read(
        RUNNER_LOG.answer,
        await send(options, logPath(chunk), body, { ms: RUNNER_LOG.deadlineMs, limit: MAX_ANSWER }, call),
      );
    },
  };
}

/**
 * How a runner enrols and gets its tokens. Throws `enrolment-invalid`, `runner-name-taken` and `unauthenticated` as they are,
 * and `unavailable` if there was no answer in time, or not from a task-agent.
 */
export type IdentityClient = {
  readonly enrol: (body: EnrolRequest) => Promise<{ readonly site: string }>;
  readonly challenge: (body: { readonly runner: string }) => Promise<{ readonly challenge: string }>;
  readonly token: (body: TokenRequest) => Promise<TokenReply>;
};

export function createIdentityClient(options: Omit<RunnerClientOptions, "token">): IdentityClient {
  const post = async <T>(path: string, body: object, answer: z.core.$ZodType<T>): Promise<T> => {
    const sent = { type: "application/json", bytes: JSON.stringify(body) };
    return read(answer, await send(options, path, sent, { ms: IDENTITY_MS, limit: MAX_ANSWER }, {}));
  };
  const { enrol, challenge, token } = IDENTITY_ROUTES;
  return {
    enrol: (body) => post(enrol.path, body, enrol.answer),
    challenge: (body) => post(challenge.path, body, challenge.answer),
    token: (body) => post(token.path, body, token.answer),
  };
}

const IDENTITY_MS = 10_000;

/** Proofs are where refs are, and nowhere else: outputs may have any names. */
function withoutProofs(body: object): object {
  const { ref, items, running } = body as {
    readonly ref?: JobRef;
    readonly items?: readonly { readonly ref: JobRef }[];
    readonly running?: readonly { readonly ref: JobRef }[];
  };
  return {
    ...body,
    ...(ref ? withoutProof({ ref }) : {}),
    ...(items ? { items: items.map(withoutProof) } : {}),
    ...(running ? { running: running.map(withoutProof) } : {}),
  };
}

type RunnerRoute = RouteSpec & { readonly deadlineMs: number };

function logPath({ session, ref, step, offset, crc, final }: LogChunk): string {
  return addressOf(RUNNER_LOG, ref, { step }, { session, fence: ref.fence, offset, crc, final });
}

/** Fields of the query that are undefined are left out. */
function addressOf(
  route: RouteSpec,
  { task, job, attempt }: JobRef,
  more: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const params: Readonly<Record<string, string>> = { task, job, attempt: String(attempt), ...more };
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

type Body = { readonly type: string; readonly bytes: string | Uint8Array<ArrayBuffer> };

/** The content of a good answer: by default, its parsed JSON. */
async function send<T = unknown>(
  {
    url,
    token,
    fetch,
    deadline: makeDeadline = machineDeadline,
  }: Omit<RunnerClientOptions, "token"> & Partial<RunnerClientOptions>,
  path: string,
  body: Body,
  { ms, limit }: { readonly ms: number; readonly limit: number },
  { signal, timeoutMs }: CallOptions,
  contentOf: (answer: Response, bytes: Buffer) => T = jsonOf as (answer: Response, bytes: Buffer) => T,
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = makeDeadline(Math.min(ms, timeoutMs ?? ms));
  try {
    const answer = await fetch(`${url}${RUNNER_PREFIX}${path}`, {
      method: "POST",
      headers: {
        ...(token ? { authorization: `Bearer ${await token()}` } : {}),
        "content-type": body.type,
        accept: "application/json",
        [PROTOCOL_HEADER]: VERSIONS,
      },
      body: body.bytes,
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal,
    });
    return contentOf(answer, await readBytes(answer, limit));
  } catch (error) {
    if (error instanceof GantryError) throw error;
    signal?.throwIfAborted();
    throw unavailable(
      deadline.signal.aborted ? "it did not answer in time" : `the connection failed (${causeOf(error)})`,
      error,
    );
  } finally {
    deadline.cancel();
  }
}

/** The JSON of an answer that is the agent's own; throws for any other. */
function jsonOf(answer: Response, bytes: Buffer): unknown {
  if (answer.status === 204) return undefined;
  if (answer.ok && typeOf(answer) === "application/json") return parseJson(bytes.toString("utf8"));
  throw refusalIn(answer, bytes);
}

function bytesOf(answer: Response, bytes: Buffer): Buffer {
  if (answer.ok && typeOf(answer) === "application/octet-stream") return bytes;
  throw refusalIn(answer, bytes);
}

function typeOf(answer: Response): string | undefined {
  return answer.headers.get("content-type")?.split(";")[0]?.trim();
}

function refusalIn(answer: Response, bytes: Buffer): GantryError {
  const type = typeOf(answer);
  const known = type === PROBLEM_TYPE ? errorOf(parseJson(bytes.toString("utf8"))) : undefined;
  // An error code counts only with its own status.
  if (known && !answer.ok && ERRORS[known.code].status === answer.status) return known;
  if (answer.status === 401) return new GantryError("unauthenticated");
  // From a proxy, a login page or another server: its content is ignored.
  return unavailable(`status ${answer.status} with ${type ?? "no content type"} is not an answer of a task-agent`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unavailable("the answer is not JSON", error);
  }
}

function read<T>(schema: z.core.$ZodType<T>, value: unknown): T {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const [first] = describeIssues(parsed.error.issues, value, { whole: "it" });
  throw unavailable(`the answer does not fit${first === undefined ? "" : `: ${first.detail}`}`, parsed.error);
}

async function readBytes(answer: Response, limit: number): Promise<Buffer> {
  if (!answer.body) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > limit) throw unavailable(`the answer is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unavailable(problem: string, cause?: unknown): GantryError {
  return new GantryError("unavailable", { what: "The task-agent", problem }, cause === undefined ? {} : { cause });
}

/** `ECONNREFUSED` and the like; the text of the error may hold addresses. */
function causeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : "unknown";
}
