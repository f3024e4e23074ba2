// The audit log: every change that a person or a token makes, and every request that is refused.
//
// A change is recorded twice: as an intent before it is made, and with its outcome before the answer is sent. When the
// process ends in between, the intent without an outcome remains, and is closed as `no-outcome` ten minutes later. An intent
// waits for no fsync: only a power cut can undo it, and then nobody was answered.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { requestIdOf } from "@gantry/runtime/http/app.ts";
import { every } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { AuditFacts } from "@gantry/wire/audit/entry.ts";
import type Koa from "koa";
import type { Caller } from "../access/decide-access.ts";
import type { AuditChain } from "./chain.ts";
import { decideOrigin } from "./decide-origin.ts";
import { decideSubject } from "./decide-subject.ts";
import { followAgent } from "./follow-agent.ts";
import { noteOf } from "./note.ts";
import { openRefusals } from "./refusals.ts";

/** The part of a declared route that the audit log names. */
export type AuditedRoute = {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly verb: string;
  /** Another system calls it, without a caller: what it does is recorded as a sign-in is. */
  readonly isCalledFromOutside?: boolean;
  /** A read that is recorded as a change is. */
  readonly isAudited?: boolean;
};

export type AuditedRequest = {
  readonly ctx: Koa.Context;
  readonly route: AuditedRoute;
  readonly caller: Caller | undefined;
  readonly params: { readonly [name: string]: unknown };
  readonly query: unknown;
  readonly body: unknown;
};

export type Audit = {
  readonly chain: AuditChain;
  /** Runs a route whose request has been validated. Throws what it throws, `limit-reached`, and `unavailable`. */
  readonly around: (request: AuditedRequest, run: () => void | Promise<void>) => Promise<void>;
  /** Records requests that are refused before or by their route, unless `around` has done so. */
  readonly refusals: Koa.Middleware;
  readonly start: () => void;
  /** Writes what is still counted. */
  readonly close: () => Promise<void>;
};

export type AuditOptions = {
  readonly journal: Journal;
  readonly chain: AuditChain;
  readonly agent: Pick<AgentClient, "feed">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Address of the client of a request, as far as proxies are trusted. */
  readonly addressOf: (ctx: Koa.Context) => string;
  /** Entries are removed when they are older. */
  readonly days: number;
  /** A caller whose changes were refused so often within a minute is refused at once until the minute is over. */
  readonly refusedChanges: number;
};

const FLUSH_MS = 10_000;
const SWEEP_MS = 60_000;
const LOST_MS = 10 * 60_000;
const DAY_MS = 86_400_000;

export function openAudit(options: AuditOptions): Audit {
  const { clock, logger, chain } = options;
  const report = (error: unknown): void => logger.error({ err: error }, "the audit log could not be written");
  const refusals = openRefusals(clock, (facts) => void chain.append(facts).catch(report));
  const budget = openBudget(clock, options.refusedChanges);
  const timers: (() => void)[] = [];
  let logged = "";
  let sweeping = Promise.resolve();

  const logHead = async (): Promise<void> => {
    const { seq, hash } = await chain.head();
    if (hash !== logged) logger.info({ seq, hash }, "audit head");
    logged = hash;
  };
  const sweep = async (): Promise<void> => {
    await closeLostIntents(chain, clock.nowMs() - LOST_MS);
    while (await chain.trim(clock.nowMs() - options.days * DAY_MS));
    await logHead();
    // Skipped while the task-agent is unreachable: the feed continues from the same place afterwards.
    await followAgent({ agent: options.agent, journal: options.journal, chain }, clock.nowMs()).catch(
      (error: unknown) => logger.debug({ err: error }, "the audit log could not be compared with the task-agent"),
    );
  };

  return {
    chain,
    around: (request, run) => recordAround({ chain, budget, address: options.addressOf(request.ctx) }, request, run),
    refusals: async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        if (error instanceof GantryError) count(ctx, error.entry.status, error.code);
        throw error;
      }
      if (ctx.status >= 400) count(ctx, ctx.status);
    },
    start: () => {
      timers.push(every(clock, FLUSH_MS, () => refusals.flush()));
      const pass = (): void => {
        sweeping = sweeping.then(sweep).catch(report);
      };
      timers.push(every(clock, SWEEP_MS, pass));
      pass();
    },
    close: async () => {
      for (const cancel of timers) cancel();
      await sweeping;
      refusals.flush(true);
      await chain.drain();
      await logHead().catch(report);
    },
  };

  function count(ctx: Koa.Context, status: number, code?: string): void {
    const { route, caller } = stateOf(ctx);
    if (!route || recorded.has(ctx) || !isRefusal(ctx, route, caller, status)) return;
    const params = (ctx.params ?? {}) as { [name: string]: string };
    const on = { ...decideSubject({ path: route.path, params, ...about.get(ctx) }), ...noteOf(ctx).on };
    const address = options.addressOf(ctx);
    const facts = { ...factsOf({ ctx, route, caller }, address), on, status };
    refusals.add(caller?.name ?? address, { kind: "refused", ...facts, ...(code === undefined ? {} : { code }) });
  }
}

/** Requests whose outcome is in the log. */
const recorded = new WeakSet<Koa.Context>();

/** The query and body of requests that are valid: a refusal names what they are about. */
const about = new WeakMap<Koa.Context, { readonly query: unknown; readonly body: unknown }>();

/** Must be called before the right is checked. */
export function announceAbout(ctx: Koa.Context, query: unknown, body: unknown): void {
  about.set(ctx, { query, body });
}

/** Must be called by the router, so that a refusal before the route is known. */
export function announce(ctx: Koa.Context, route: AuditedRoute, caller: Caller | undefined): void {
  ctx.state.audited = { route, caller };
}

function stateOf(ctx: Koa.Context): { readonly route?: AuditedRoute; readonly caller?: Caller | undefined } {
  return (ctx.state.audited ?? {}) as { route?: AuditedRoute; caller?: Caller | undefined };
}

/** Whether a caller attempted something forbidden. Opening a page without any credentials does not count. */
function isRefusal(ctx: Koa.Context, route: AuditedRoute, caller: Caller | undefined, status: number): boolean {
  if (route.method !== "GET") return status < 500;
  if (status === 401) return ctx.get("authorization") !== "" || ctx.get("cookie") !== "" || ctx.querystring !== "";
  return caller !== undefined && [403, 404, 409, 410, 413, 429].includes(status);
}

function factsOf(
  { ctx, route, caller }: Pick<AuditedRequest, "ctx" | "route" | "caller">,
  address: string,
): Omit<AuditFacts, "kind"> {
  const sender = { address, userAgent: ctx.get("user-agent") };
  return { route: route.id, verb: route.verb, ...decideOrigin(caller, sender), request: requestIdOf(ctx) };
}

async function recordAround(
  { chain, budget, address }: { chain: AuditChain; budget: Budget; address: string },
  { ctx, route, caller, ...asked }: AuditedRequest,
  run: () => void | Promise<void>,
): Promise<void> {
  const facts = { ...factsOf({ ctx, route, caller }, address), on: decideSubject({ path: route.path, ...asked }) };
  const done = async (outcome: Pick<AuditFacts, "status" | "code" | "of">): Promise<void> => {
    const { on, ...note } = noteOf(ctx);
    recorded.add(ctx);
    await chain.append({ kind: "done", ...facts, ...note, on: { ...facts.on, ...on }, ...outcome });
  };
  if ((route.method === "GET" && route.isAudited !== true) || !caller) {
    await run();
    // A sign-in: before it there was nobody to name in an intent, and its session is known to nobody before the answer.
    if ((noteOf(ctx).who || (route.isCalledFromOutside && noteOf(ctx).on)) && ctx.status < 400)
      await done({ status: ctx.status });
    return;
  }
  budget.check(caller.name);
  const of = await chain.append({ kind: "intent", ...facts });
  try {
    await run();
  } catch (error) {
    budget.spend(caller.name);
    const known = error instanceof GantryError ? error : new GantryError("internal");
    await done({ of, status: known.entry.status, code: known.code });
    throw error;
  }
  await done({ of, status: ctx.status });
}

type Budget = { readonly check: (who: string) => void; readonly spend: (who: string) => void };

/** Every intent is written before its outcome is known, so a caller who is refused repeatedly must be slowed down. */
function openBudget(clock: Pick<Clock, "monotonicMs">, limit: number): Budget {
  const spent = new Map<string, number>();
  let minute = 0;
  const countOf = (who: string): number => {
    const now = Math.floor(clock.monotonicMs() / SWEEP_MS);
    if (now !== minute) spent.clear();
    minute = now;
    return spent.get(who) ?? 0;
  };
  return {
    check: (who) => {
      if (countOf(who) < limit) return;
      throw new GantryError("limit-reached", { who, limit, what: "refused changes in a minute", retryAfterS: 60 });
    },
    spend: (who) => void spent.set(who, countOf(who) + 1),
  };
}

/** Closes intents that no process can still be working on: records that their outcome is unknown. */
async function closeLostIntents(chain: AuditChain, beforeMs: number): Promise<void> {
  const { open } = await chain.head();
  for (const [of, atMs] of open) {
    if (atMs >= beforeMs) continue;
    const [intent] = await chain.after(of - 1, 1);
    if (!intent) continue;
    const { seq, at, prev, hash, ...facts } = intent;
    await chain.append({ ...facts, kind: "done", of, status: 0, code: "no-outcome" });
  }
}
