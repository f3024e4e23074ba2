// HTTP for runners. The token determines which site the caller represents.

import { GantryError } from "@gantry/core/errors.ts";
import { bearerOf, bySecret } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { readJson } from "@gantry/runtime/http/read-request.ts";
import { addRoutes } from "@gantry/runtime/http/serve-routes.ts";
import { agreeOn, PROOFS_SINCE, PROTOCOL_HEADER, RUNNER_PROTOCOL } from "@gantry/wire/protocol-version.ts";
import { IDENTITY_ROUTES } from "@gantry/wire/runner/identity.ts";
import { MAX_LOG_CHUNK, type PollReply, type SessionReply, withoutProof } from "@gantry/wire/runner/protocol.ts";
import { RUNNER_PREFIX, type RunnerCall } from "@gantry/wire/runner/routes.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import type { SiteToken } from "../config.ts";
import type { RunnerIdentity } from "../identity/decide-identity.ts";
import type { Identities } from "../identity/identities.ts";
import type { LogStore } from "../logs/log-store.ts";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";
import { addArtifactContent } from "./artifacts.ts";
import { addLogUpload } from "./logs.ts";
import type { RunnerAdmission } from "./runner-admission.ts";
import { type Caller, runnerCalls } from "./runner-calls.ts";

export type RunnerRoutesDeps = {
  readonly protocol: RunnerProtocol;
  readonly logs: LogStore;
  readonly tokens: readonly (readonly [token: string, speaksFor: SiteToken])[];
  /** Runners with a key of their own. */
  readonly identities: Identities;
  readonly admission: RunnerAdmission;
  /** A runner of this site tried to register and has no protocol version in common with this agent. */
  readonly onIncompatible?: (site: string, runner: string, error: GantryError) => void;
};

const BODY = z.unknown();
/** The only field that is read of a registration with an unknown version. */
const named = z.object({ runner: z.string().max(200) });
const usedBy = z.object({ session: z.string() });
/** A report may hold the outputs of a whole job. */
const LIMIT = 4 * 1_048_576;
/** A body counts as one more request per this many bytes: otherwise a few thousand large ones would keep the agent busy. */
const WEIGHED_BYTES = 1_024;
const WEIGHED_LOG_BYTES = 65_536;

export function runnerRoutes(deps: RunnerRoutesDeps): Koa.Middleware {
  const { protocol, logs, tokens, identities, admission } = deps;
  const router = new Router({ prefix: RUNNER_PREFIX });
  const siteOfToken = bySecret<RunnerIdentity>(tokens);
  const senderOf = (ctx: Koa.Context): RunnerIdentity => {
    const token = bearerOf(ctx);
    const sender = siteOfToken(token) ?? identities.identify(token);
    if (!sender) throw new GantryError("unauthenticated");
    ctx.state.actor = sender.runner === undefined ? `runner of ${sender.site}` : `runner ${sender.runner}`;
    return sender;
  };
  const siteOf = (ctx: Koa.Context): string => senderOf(ctx).site;

  // Runners send most of the requests, and these paths have no parameters: a map is faster than a router.
  const calls = runnerCalls(protocol);

  addIdentityRoutes(router, identities, admission);
  router.use((ctx, next) => {
    const [site, bytes] = [siteOf(ctx), ctx.request.length ?? MAX_LOG_CHUNK];
    admission.count(site, 1 + Math.floor(bytes / WEIGHED_LOG_BYTES));
    const end = admission.open(site, bytes);
    return next().finally(end);
  });
  const siteOfSession = (ctx: Koa.Context, session: string): string => {
    const sender = senderOf(ctx);
    protocol.checkSender(session, sender);
    return sender.site;
  };
  addLogUpload(router, { protocol, logs }, siteOfSession);
  addArtifactContent(router, protocol, siteOfSession);
  const routed = router.routes() as Koa.Middleware;
  return async (ctx, next) => {
    if (!ctx.path.startsWith(`${RUNNER_PREFIX}/`)) return next();
    const call = ctx.method === "POST" ? calls.get(ctx.path) : undefined;
    if (!call) return routed(ctx, next);
    ctx.state.route = ctx.path;
    const sender = senderOf(ctx);
    // A body without a length may have any size.
    const bytes = Math.min(ctx.request.length ?? LIMIT, LIMIT);
    admission.count(sender.site, 1 + Math.floor(bytes / WEIGHED_BYTES));
    const end = admission.open(sender.site, bytes);
    try {
      await answerCall(ctx, call, sender, deps);
    } finally {
      end();
    }
  };
}

type AnswerDeps = Pick<RunnerRoutesDeps, "protocol" | "identities" | "admission" | "onIncompatible">;

async function answerCall(
  ctx: Koa.Context,
  call: RunnerCall<Caller>,
  sender: RunnerIdentity,
  { protocol, identities, admission, onIncompatible }: AnswerDeps,
): Promise<void> {
  const { site } = sender;
  const gone = (): AbortSignal => clientGoneSignal(ctx);
  const body = await readJson(ctx, BODY, { limit: LIMIT });
  const listed = lengthOf(body, "items") + lengthOf(body, "running");
  if (listed > 0) admission.count(site, listed);
  if (call.name !== "session") {
    protocol.checkSender(usedBy.safeParse(body).data?.session ?? "", sender);
    const answer = await call.answer(body, site, gone);
    ctx.body = call.name === "poll" ? offersFor(ctx, answer as PollReply) : answer;
    return;
  }
  await identities.checkName(sender, named.safeParse(body).data?.runner ?? "");
  const version = agree(ctx, body, (runner, error) => onIncompatible?.(site, runner, error));
  const opened = (await call.answer(body, site, gone)) as SessionReply;
  protocol.bind(opened.session, sender.publicKey);
  ctx.body = { ...opened, protocol: version };
}

/** The task of each attempt in a list is read, so it counts as a request. */
function lengthOf(body: unknown, list: "items" | "running"): number {
  const value: unknown = (body as { readonly [name: string]: unknown } | null)?.[list];
  return Array.isArray(value) ? value.length : 0;
}

/** Every request is counted before its body is read. */
function addIdentityRoutes(router: Router, identities: Identities, admission: RunnerAdmission): void {
  const paths = Object.values(IDENTITY_ROUTES).map(({ path }) => path);
  router.use(paths, (ctx, next) => {
    const end = admission.openSignIn(networkOf(ctx));
    return next().finally(end);
  });
  addRoutes(router, IDENTITY_ROUTES, {
    enrol: ({ body }) => identities.enrol(body),
    challenge: ({ body }) => ({ challenge: identities.challenge(body.runner) }),
    token: ({ body }) => identities.issueToken(body),
  });
}

/** The address of the caller. For IPv6 the /64 network, because one customer usually has all of its addresses. */
function networkOf({ req }: Koa.Context): string {
  const address = req.socket.remoteAddress ?? "unknown";
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  return `${(tail === undefined ? groups : [...groups, "0", "0", "0", "0"]).slice(0, 4).join(":")}::/64`;
}

/** Runners of version 1 refuse an offer with a field that they do not know. */
function offersFor(ctx: Koa.Context, reply: PollReply): PollReply {
  const version = agreeOn(RUNNER_PROTOCOL, ctx.get(PROTOCOL_HEADER), { me: "the task-agent", peer: "the runner" });
  return version >= PROOFS_SINCE ? reply : { ...reply, offers: reply.offers.map(withoutProof) };
}

/** The version is agreed at registration and holds for the session. */
function agree(ctx: Koa.Context, body: unknown, onIncompatible: (runner: string, error: GantryError) => void): number {
  const name = named.safeParse(body).data?.runner ?? "of no name";
  try {
    return agreeOn(RUNNER_PROTOCOL, ctx.get(PROTOCOL_HEADER), { me: "the task-agent", peer: `runner ${name}` });
  } catch (error) {
    if (error instanceof GantryError && error.code === "version-unfit") onIncompatible(name, error);
    throw error;
  }
}
