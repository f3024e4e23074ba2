// The routes of `/runner/v1`: the calls of the runner protocol. protocol.ts has the messages and what they mean.

import { parse } from "@gantry/runtime/http/problem.ts";
import { type Parsed, type RouteSpec, route, type Sent } from "@gantry/runtime/http/route.ts";
import type { z } from "zod";
import * as artifacts from "./artifacts.ts";
import { observeReply, observeRequest } from "./fleet.ts";
import * as wire from "./protocol.ts";

export const RUNNER_PREFIX = "/runner/v1";

/** `deadlineMs`: how long a runner waits for an answer. */
type RunnerRoute = RouteSpec & { readonly method: "POST"; readonly deadlineMs: number };

/** All but logs and the content of artifacts: JSON in, JSON out, no parameters. Where `answer` is absent it is `{}`. */
export const RUNNER_CALLS = {
  /** Registers; the newest bootId of a runner wins, the older session gets 410. */
  session: route({
    method: "POST",
    path: "/session",
    body: wire.sessionRequest,
    answer: wire.sessionReply,
    deadlineMs: 15_000,
    errors: ["conflict", "forbidden", "runner-name-taken", "session-gone"],
  }),
  /** Offers and cancels; held open up to `waitMs`, which comes on top of the deadline. */
  poll: route({
    method: "POST",
    path: "/poll",
    body: wire.pollRequest,
    answer: wire.pollReply,
    deadlineMs: 10_000,
    errors: ["session-gone"],
  }),
  /** Ownership starts with a claim that was answered 200. */
  claim: route({
    method: "POST",
    path: "/claim",
    body: wire.claimRequest,
    answer: wire.claimReply,
    deadlineMs: 10_000,
    errors: ["lease-lost", "offer-gone", "session-gone"],
  }),
  decline: route({
    method: "POST",
    path: "/decline",
    body: wire.declineRequest,
    deadlineMs: 10_000,
    errors: ["session-gone"],
  }),
  /** Work starts after it was answered 200. */
  start: route({
    method: "POST",
    path: "/start",
    body: wire.startRequest,
    deadlineMs: 10_000,
    errors: ["lease-lost", "session-gone"],
  }),
  /** The runner's own log, for an operator who asked for it. What nobody waits for is ignored. */
  ownLog: route({
    method: "POST",
    path: "/own-log",
    body: wire.ownLog,
    deadlineMs: 10_000,
    errors: ["session-gone"],
  }),
  /** Renews leases; runs beside the work. */
  heartbeat: route({
    method: "POST",
    path: "/heartbeat",
    body: wire.heartbeatRequest,
    answer: wire.heartbeatReply,
    deadlineMs: 10_000,
    errors: ["session-gone"],
  }),
  /** What steps do, numbered per attempt from 1 without gap; repeats are ignored. */
  progress: route({
    method: "POST",
    path: "/progress",
    body: wire.progressRequest,
    answer: wire.progressReply,
    deadlineMs: 15_000,
    errors: ["conflict", "lease-lost", "not-found", "session-gone"],
  }),
  /** The permit for a change to the outside world. */
  effectBegin: route({
    method: "POST",
    path: "/effect/begin",
    body: wire.effectBegin,
    answer: wire.effectPermit,
    deadlineMs: 15_000,
    errors: ["lease-lost", "not-found", "session-gone"],
  }),
  effectEnd: route({
    method: "POST",
    path: "/effect/end",
    body: wire.effectEnd,
    deadlineMs: 15_000,
    errors: ["lease-lost", "session-gone"],
  }),
  /** Saves an artifact, once the store has the content of all its files; until then the answer says what is missing. */
  saveArtifact: route({
    method: "POST",
    path: "/artifacts/save",
    body: artifacts.saveArtifact,
    answer: artifacts.saveArtifactReply,
    deadlineMs: 60_000,
    errors: ["artifact-too-large", "lease-lost", "session-gone"],
  }),
  /** The artifacts of a job that this job needs. */
  fetchArtifacts: route({
    method: "POST",
    path: "/artifacts/fetch",
    body: artifacts.fetchArtifacts,
    answer: artifacts.fetchArtifactsReply,
    deadlineMs: 15_000,
    errors: ["artifact-missing", "lease-lost", "session-gone"],
  }),
  /** How the attempt ended; the first terminal report wins. */
  report: route({
    method: "POST",
    path: "/report",
    body: wire.reportRequest,
    deadlineMs: 30_000,
    errors: ["conflict", "lease-lost", "report-differs", "session-gone"],
  }),
  /** What an Argo CD of the site shows. Absent from an older agent, which answers `not-found`. */
  observe: route({
    method: "POST",
    path: "/observe",
    body: observeRequest,
    answer: observeReply,
    deadlineMs: 15_000,
    errors: ["forbidden", "not-found", "session-gone"],
  }),
} satisfies Readonly<Record<string, RunnerRoute & { readonly body: z.core.$ZodType }>>;
export type RunnerCalls = typeof RUNNER_CALLS;
export type RunnerCallName = keyof RunnerCalls;

/** Raw bytes of a step's log, appended at `offset`. */
export const RUNNER_LOG = route({
  method: "POST",
  path: "/logs/{task}/{job}/{attempt}/{step}",
  query: wire.logQuery,
  answer: wire.logReply,
  status: 202,
  deadlineMs: 30_000,
  errors: ["lease-lost", "log-differs", "log-rewind", "not-found", "session-gone"],
}) satisfies RunnerRoute;

/** Raw bytes of a file that will be saved in an artifact. */
export const RUNNER_UPLOAD = route({
  method: "POST",
  path: "/artifacts/{task}/{job}/{attempt}/content/{digest}",
  query: artifacts.artifactUploadQuery,
  answer: artifacts.artifactUploadReply,
  status: 202,
  deadlineMs: 60_000,
  errors: ["artifact-too-large", "lease-lost", "session-gone"],
}) satisfies RunnerRoute;

/** Raw bytes of a file of an artifact. */
export const RUNNER_CONTENT = route({
  method: "POST",
  path: "/artifacts/{task}/{job}/{attempt}/read",
  query: artifacts.artifactContentQuery,
  deadlineMs: 60_000,
  errors: ["artifact-missing", "lease-lost", "session-gone"],
}) satisfies RunnerRoute;

type AnswerOf<Name extends RunnerCallName> = RunnerCalls[Name] extends {
  readonly answer: infer A extends z.core.$ZodType;
}
  ? Sent<z.input<A>>
  : object;

/** One handler per call. `Rest`: what else a server knows of a request. */
export type RunnerHandlers<Rest extends readonly unknown[]> = {
  readonly [Name in RunnerCallName]: (
    body: Parsed<RunnerCalls[Name]["body"]>,
    ...rest: Rest
  ) => AnswerOf<Name> | Promise<AnswerOf<Name>>;
};

export type RunnerCall<Rest extends readonly unknown[]> = {
  readonly name: RunnerCallName;
  /** Checks the body, which is what came in; throws `bad-request`. */
  readonly answer: (body: unknown, ...rest: Rest) => Promise<object>;
};

/** Path, prefix included → call: no call has parameters, so a server finds it without a router. */
export function runnerCallsByPath<Rest extends readonly unknown[]>(
  handlers: RunnerHandlers<Rest>,
): ReadonlyMap<string, RunnerCall<Rest>> {
  const names = Object.keys(RUNNER_CALLS) as RunnerCallName[];
  return new Map(
    names.map((name) => {
      const { path, body: schema } = RUNNER_CALLS[name] as RouteSpec & { readonly body: z.core.$ZodType };
      // The schema of this very call makes the body that its handler takes.
      const handler = handlers[name] as (body: unknown, ...rest: Rest) => object | Promise<object>;
      return [
        `${RUNNER_PREFIX}${path}`,
        { name, answer: async (body, ...rest) => handler(parse(schema, body), ...rest) } satisfies RunnerCall<Rest>,
      ];
    }),
  );
}
