// HTTP for runners. The token says for which site the caller may speak.

import { GantryError } from "@gantry/core/errors.ts";
import { bearerOf, bySecret } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { readJson } from "@gantry/runtime/http/read-request.ts";
import { agreeOn, PROTOCOL_HEADER, RUNNER_PROTOCOL } from "@gantry/wire/protocol-version.ts";
import { RUNNER_PREFIX } from "@gantry/wire/runner/routes.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import type { LogStore } from "../logs/log-store.ts";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";
import { addLogUpload } from "./logs.ts";
import { runnerCalls } from "./runner-calls.ts";

export type RunnerRoutesDeps = {
  readonly protocol: RunnerProtocol;
  readonly logs: LogStore;
  readonly tokens: Readonly<Record<string, string>>;
  /** Counts a request of a site; throws `limit-reached`. */
  readonly admit: (site: string) => void;
  /** A runner of this site tried to register and has no protocol version in common with this agent. */
  readonly onIncompatible?: (site: string, runner: string, error: GantryError) => void;
};

const BODY = z.unknown();
/** The only field that is read of a registration with an unknown version. */
const named = z.object({ runner: z.string().max(200) });
/** A report may hold the outputs of a whole job. */
const LIMIT = 4 * 1_048_576;

export function runnerRoutes({ protocol, logs, tokens, admit, onIncompatible }: RunnerRoutesDeps): Koa.Middleware {
  const router = new Router({ prefix: RUNNER_PREFIX });
  const siteOfToken = bySecret(Object.entries(tokens));
  const siteOf = (ctx: Koa.Context): string => {
    const site = siteOfToken(bearerOf(ctx));
    if (site === undefined) throw new GantryError("unauthenticated");
    ctx.state.actor = `runner of ${site}`;
    return site;
  };

  // Runners send most of the requests, and these paths have no parameters: a map is faster than a router.
  const calls = runnerCalls(protocol);

  router.use((ctx, next) => {
    admit(`The runners of site ${siteOf(ctx)}`);
    return next();
  });
  addLogUpload(router, { protocol, logs }, siteOf);
  const routed = router.routes() as Koa.Middleware;
  return async (ctx, next) => {
    if (!ctx.path.startsWith(`${RUNNER_PREFIX}/`)) return next();
    const call = ctx.method === "POST" ? calls.get(ctx.path) : undefined;
    if (!call) return routed(ctx, next);
    ctx.state.route = ctx.path;
    const site = siteOf(ctx);
    admit(`The runners of site ${site}`);
    const body = await readJson(ctx, BODY, { limit: LIMIT });
    if (call.name !== "session") {
      ctx.body = await call.answer(body, site, clientGoneSignal(ctx));
      return;
    }
    const version = agree(ctx, body, (runner, error) => onIncompatible?.(site, runner, error));
    ctx.body = { ...(await call.answer(body, site, clientGoneSignal(ctx))), protocol: version };
  };
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
