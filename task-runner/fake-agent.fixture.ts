// A task-agent for the tests of the runner: answers the calls of wire/runner/routes.ts over real HTTP, and fails in the ways
// that a test asks for. It checks every message by its schema, so that a runner that sends an invalid one fails the test.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";
import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { PROBLEM_TYPE, parse, problemOf } from "@gantry/runtime/http/problem.ts";
import { declaresError, type Parsed, routeMatcher } from "@gantry/runtime/http/route.ts";
import { effectKey } from "@gantry/wire/runner/effect-key.ts";
import type { ObserveRequest } from "@gantry/wire/runner/fleet.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import {
  RUNNER_CALLS,
  RUNNER_LOG,
  RUNNER_PREFIX,
  type RunnerCalls,
  runnerCallsByPath,
} from "@gantry/wire/runner/routes.ts";
import { SPEC } from "./job-spec.fixture.ts";

export const TOKEN = "token-of-the-runner";

const callOf = routeMatcher(RUNNER_PREFIX, RUNNER_CALLS);
const logOf = routeMatcher(RUNNER_PREFIX, { log: RUNNER_LOG });

export type FakeJob = {
  readonly ref: wire.JobRef;
  readonly spec: wire.JobSpec;
  state: "offered" | "claimed" | "started" | "ended" | "lost" | "declined";
  cancel: string | undefined;
  /** The session whose poll was answered with the cancel. */
  canceledIn: string | undefined;
  readonly progress: wire.StepProgress[];
  readonly logs: Map<string, { bytes: Buffer; final: boolean }>;
  report: wire.ReportRequest | undefined;
};

type Body<Name extends keyof RunnerCalls> = Parsed<RunnerCalls[Name]["body"]>;
type Effect = { what: string; begun: number; result: JsonObject | undefined };

export class FakeAgent {
  readonly jobs: FakeJob[] = [];
  readonly sessions: wire.SessionRequest[] = [];
  readonly effects = new Map<string, Effect>();
  /** The path of every call that arrived, in order. */
  readonly calls: string[] = [];
  readonly problems: string[] = [];
  /** Knows nothing of summaries, like an agent of an older version. */
  isOld = false;
  /** How far steps are, as heartbeats said. */
  readonly told: wire.Told[] = [];
  /** Paths of the calls that had a fault. */
  readonly faults: string[] = [];
  lease: wire.Lease = { renewEveryMs: 1_000, selfFenceMs: 20_000, reassignAfterMs: 40_000 };
  /** Offers jobs to a runner that has no free slot. */
  ignoresSlots = false;
  /** Answers every poll with these offers. */
  floodsWith: wire.PollReply["offers"] | undefined;
  /** Answers every poll with this request for the runner's own log, at once until it is answered. */
  asksLog: wire.LogOrder | undefined;
  readonly ownLogs: wire.OwnLog[] = [];
  /** This runner watches the Argo CDs of the site. */
  watches = false;
  /** The reports about Argo CDs. */
  readonly observed: ObserveRequest[] = [];
  /** Refuses every token. */
  isRefusing = false;
  /** The fault of a call: none, the connection is cut before the call is handled, or its answer is lost. */
  fault: (path: string) => "none" | "drop" | "drop-answer" = () => "none";
  /** The answer of a call is sent when this resolves; the call is handled before. */
  holdAnswer: (path: string) => Promise<void> | undefined = () => undefined;

  #session = 0;
  #bootIds: string[] = [];
  #fence = 1_000;
  #server: Server | undefined;
  #port = 0;
  #waiters = new Set<() => void>();

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<this> {
    const server = createServer((request, response) => void this.#answer(request, response));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", () => resolve());
    });
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  /** Stops serving; the state is kept. `open` serves again on the same port. */
  async goDown(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#changed();
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  /** Forgets all sessions, as after a restart. */
  forgetSessions(): void {
    this.#session += 1;
    this.#changed();
  }

  /** A newer process of the runner has registered: this one may not register again. */
  supersede(): void {
    this.#bootIds = this.sessions.map(({ bootId }) => bootId);
    this.forgetSessions();
  }

  offer(spec: Partial<wire.JobSpec>, of: { task?: string; job?: string; attempt?: number } = {}): FakeJob {
    this.#fence += 1;
    const job: FakeJob = {
      ref: { task: of.task ?? "t1", job: of.job ?? "build", attempt: of.attempt ?? 1, fence: this.#fence },
      spec: { ...SPEC, ...spec },
      state: "offered",
      cancel: undefined,
      canceledIn: undefined,
      progress: [],
      logs: new Map(),
      report: undefined,
    };
    this.jobs.push(job);
    this.#changed();
    return job;
  }

  cancel(job: FakeJob, reason = "canceled by kim"): void {
    job.cancel = reason;
    this.#changed();
  }

  /** Reassigns the job: its fence is stale from now on. */
  lose(job: FakeJob): void {
    job.state = "lost";
    this.#changed();
  }

  /** Waits until `look` answers; it is called after every change. Throws after 60 s. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    const limit = AbortSignal.timeout(60_000);
    for (;;) {
      const seen = look();
      if (seen !== undefined && seen !== false) return seen;
      if (limit.aborted) throw new Error(`waited too long for: ${what}; calls: ${this.calls.slice(-20).join(", ")}`);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiters.delete(done);
          limit.removeEventListener("abort", done);
          resolve();
        };
        this.#waiters.add(done);
        limit.addEventListener("abort", done);
      });
    }
  }

  reported(job: FakeJob): Promise<wire.ReportRequest> {
    return this.until(`the report of ${job.ref.job}`, () => job.report);
  }

  log(job: FakeJob, step: string): string {
    return job.logs.get(step)?.bytes.toString("utf8") ?? "";
  }

  #changed(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", this.url);
    const path = url.pathname.replace(`${RUNNER_PREFIX}/`, "");
    const fault = this.fault(path);
    if (fault !== "none") this.faults.push(path);
    if (fault === "drop") {
      request.socket.destroy();
      this.#changed();
      return;
    }
    const send = (status: number, type: string, body: unknown): void => {
      if (fault === "drop-answer") request.socket.destroy();
      else response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
    };
    try {
      if (this.isRefusing || request.headers.authorization !== `Bearer ${TOKEN}`)
        throw new GantryError("unauthenticated");
      this.calls.push(path);
      this.#changed();
      const log = logOf(request.method ?? "", url.pathname);
      const call = this.#calls.get(url.pathname);
      if (!log && !call) throw new GantryError("not-found", { kind: "address", name: path });
      const body = call
        ? await call.answer(JSON.parse(Buffer.concat(chunks).toString("utf8")), response)
        : this.#log(log?.params ?? {}, url.searchParams, Buffer.concat(chunks));
      this.#changed();
      await this.holdAnswer(path);
      send(200, "application/json", body);
    } catch (error) {
      const isExpected =
        error instanceof GantryError && error.code !== "bad-request" && isDeclared(url.pathname, error);
      if (!isExpected) this.problems.push(`${path}: ${error}`);
      const problem = problemOf(error, "r1");
      send(problem.status, PROBLEM_TYPE, problem);
    }
    this.#changed();
  }

  readonly #calls = runnerCallsByPath<[response: ServerResponse]>({
    session: (request) => this.#open(request),
    poll: (request, response) => this.#poll(request, response),
    heartbeat: (request) => this.#heartbeat(request),
    ownLog: (message) => {
      this.#use(message.session);
      this.ownLogs.push(message);
      this.asksLog = undefined;
      return {};
    },
    claim: ({ session, ref }) => {
      this.#use(session);
      const job = this.#job(ref);
      if (job?.state !== "offered" && job?.state !== "claimed") throw refusal("offer-gone");
      job.state = "claimed";
      return { lease: this.lease, spec: job.spec };
    },
    decline: ({ session, ref }) => {
      this.#use(session);
      const job = this.#job(ref);
      if (job) job.state = "declined";
      return {};
    },
    start: ({ session, ref }) => {
      this.#held(session, ref).state = "started";
      return {};
    },
    progress: (request) => this.#progress(request),
    effectBegin: (request) => this.#begin(request),
    effectEnd: ({ session, ref, key, result }) => {
      this.#held(session, ref);
      const effect = this.effects.get(key);
      if (!effect) throw new GantryError("bad-request", { problem: "unknown effect" });
      effect.result ??= result;
      return {};
    },
    observe: (request) => {
      this.#use(request.session);
      // An agent of an older version has no such call.
      if (this.isOld) throw new GantryError("not-found", { kind: "route", name: "observe" });
      this.observed.push(request);
      return { role: this.watches ? "watch" : "stand-by", againMs: this.watches ? 60_000 : 10 };
    },
    saveArtifact: () => {
      throw new GantryError("unavailable", { what: "The store of artifacts", problem: "The fake has none." });
    },
    fetchArtifacts: () => {
      throw new GantryError("unavailable", { what: "The store of artifacts", problem: "The fake has none." });
    },
    report: (request) => this.#report(request),
  });

  #open(request: wire.SessionRequest): wire.SessionReply {
    if (this.#bootIds.includes(request.bootId)) throw new GantryError("session-gone");
    this.sessions.push(request);
    this.#session += 1;
    const listed = request.running.map(({ ref }) => this.#job(ref));
    for (const job of this.jobs) {
      if ((job.state === "claimed" || job.state === "started") && !listed.includes(job)) job.state = "lost";
    }
    const directives = request.running.map(({ ref }) => {
      const job = this.#job(ref);
      const isHeld = job?.state === "claimed" || job?.state === "started";
      return { ref, do: !isHeld ? ("drop" as const) : job.cancel ? ("cancel" as const) : ("continue" as const) };
    });
    return { session: `s${this.#session}`, directives };
  }

  async #poll({ session, freeSlots, waitMs }: wire.PollRequest, response: ServerResponse): Promise<wire.PollReply> {
    this.#use(session);
    if (this.floodsWith) return { offers: this.floodsWith, cancels: [] };
    const hungUp = new AbortController();
    response.once("close", () => hungUp.abort());
    const end = AbortSignal.any([hungUp.signal, AbortSignal.timeout(waitMs)]);
    for (;;) {
      const isOffering = freeSlots > 0 || this.ignoresSlots;
      const offers = this.jobs.filter(({ state }) => state === "offered" && isOffering);
      const cancels = this.jobs.filter(
        ({ state, cancel, canceledIn }) =>
          cancel && canceledIn !== session && (state === "claimed" || state === "started"),
      );
      const log = this.asksLog;
      if (offers.length > 0 || cancels.length > 0 || log || end.aborted) {
        // Once per session, as the real agent does; a lost answer is made up for by the next heartbeat.
        for (const job of cancels) job.canceledIn = session;
        return {
          offers: offers.map(({ ref }) => ({ offer: `o${ref.fence}`, ref, ttlMs: 15_000 })),
          cancels: cancels.map(({ ref, cancel }) => ({ ref, graceMs: 300, reason: cancel ?? "" })),
          ...(log ? { log } : {}),
        };
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiters.delete(done);
          resolve();
        };
        this.#waiters.add(done);
        end.addEventListener("abort", done, { once: true });
      });
      this.#use(session);
    }
  }

  #heartbeat({ session, items }: Body<"heartbeat">): wire.HeartbeatReply {
    this.#use(session);
    return {
      items: items.map(({ ref, told }) => {
        const job = this.#job(ref);
        if (told) {
          this.told.push(told);
          this.#changed();
        }
        if (job?.state !== "claimed" && job?.state !== "started") return { ref, state: "lost" };
        if (job.cancel) return { ref, state: "cancel", graceMs: 300, reason: job.cancel };
        return { ref, state: "ok" };
      }),
    };
  }

  #progress({ session, ref, from, events }: Body<"progress">): { ack: number } {
    const job = this.#held(session, ref);
    if (from > job.progress.length + 1) throw new GantryError("conflict", { what: "Progress" });
    job.progress.push(...events.slice(job.progress.length + 1 - from));
    return { ack: job.progress.length };
  }

  #begin({ session, ref, step, effect, ordinal, what }: Body<"effectBegin">): wire.EffectPermit {
    this.#held(session, ref);
    const key = effectKey(ref.task, ref.job, step, effect, ordinal);
    const known = this.effects.get(key);
    if (known?.result) return { answer: "done", key, result: known.result as never };
    this.effects.set(key, { what, begun: (known?.begun ?? 0) + 1, result: undefined });
    return { answer: known ? "verify" : "go", key };
  }

  #report(report: wire.ReportRequest): object {
    const job = this.#job(report.ref);
    if (job?.report) {
      const { session: _, ...content } = report;
      const { session: __, ...first } = job.report;
      if (JSON.stringify(content) !== JSON.stringify(first)) throw refusal("lease-lost");
      return {};
    }
    const held = this.#held(report.session, report.ref);
    if (report.progress > held.progress.length) throw new GantryError("conflict", { what: "Progress" });
    held.report = report;
    held.state = "ended";
    return {};
  }

  #log(params: Readonly<Record<string, string>>, search: URLSearchParams, bytes: Buffer): { ack: number } {
    const { task = "", job: name = "", attempt = "", step = "" } = params;
    const query = parse(RUNNER_LOG.query, Object.fromEntries(search));
    this.#use(query.session);
    const job = this.#job({ task, job: name, attempt: Number(attempt), fence: query.fence });
    if (!job) throw refusal("lease-lost");
    if (this.isOld && step.includes(":")) throw new GantryError("not-found", { kind: "step", name: step });
    if (crc32(bytes) !== query.crc) throw new GantryError("bad-request", { problem: "checksum" });
    const log = job.logs.get(step) ?? { bytes: Buffer.alloc(0), final: false };
    job.logs.set(step, log);
    const { offset } = query;
    if (offset > log.bytes.length) throw new GantryError("log-rewind", { ack: log.bytes.length, offset });
    const known = log.bytes.subarray(offset, offset + bytes.length);
    if (!known.equals(bytes.subarray(0, known.length))) throw new GantryError("log-differs");
    log.bytes = Buffer.concat([log.bytes, bytes.subarray(known.length)]);
    log.final ||= query.final;
    return { ack: log.bytes.length };
  }

  #use(session: string): void {
    if (session !== `s${this.#session}`) throw new GantryError("session-gone");
  }

  #held(session: string, ref: wire.JobRef): FakeJob {
    this.#use(session);
    const job = this.#job(ref);
    if (job?.state !== "claimed" && job?.state !== "started") throw refusal("lease-lost");
    return job;
  }

  #job(ref: wire.JobRef): FakeJob | undefined {
    return this.jobs.find((job) => JSON.stringify(job.ref) === JSON.stringify(ref));
  }
}

/** The fake may refuse only what the real agent may. */
function isDeclared(path: string, error: GantryError): boolean {
  const call = callOf("POST", path);
  return declaresError(call ? RUNNER_CALLS[call.name] : RUNNER_LOG, error.code);
}

/** A `uses` step of a job. */
export function uses(id: string, name: string, input: wire.JobSpec["scope"] = {}, more: object = {}): Spec {
  return { id, title: id, env: {}, action: { kind: "uses", uses: name, with: input }, ...more };
}

/** A `run` step of a job. */
export function script(
  id: string,
  run: string,
  more: Partial<Spec> & { shell?: "sh" | "bash" | "node" | "python3" } = {},
): Spec {
  const { shell = "sh", ...rest } = more;
  return { id, title: id, env: {}, action: { kind: "run", run, shell }, ...rest };
}

type Spec = wire.JobSpec["steps"][number];

function refusal(code: Extract<ErrorCode, "lease-lost" | "offer-gone">): GantryError {
  return new GantryError(code, { problem: "The fence is stale." });
}
