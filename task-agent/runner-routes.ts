// HTTP for runners: wire/protocol.ts below /runner/v1. The token says for which site the caller may speak.

import { GantryError } from "@gantry/core/errors.ts";
import { bearerOf, goneSignal, readBytes, readJson, readQuery, sameSecret } from "@gantry/wire/http.ts";
import * as wire from "@gantry/wire/protocol.ts";
import Router from "@koa/router";
import type Koa from "koa";
import type { z } from "zod";
import type { LogStore } from "./log-store.ts";
import type { RunnerProtocol } from "./runner-protocol.ts";

export type RunnerRoutesDeps = {
  readonly protocol: RunnerProtocol;
  readonly logs: LogStore;
  readonly tokens: Readonly<Record<string, string>>;
};

export function runnerRoutes({ protocol, logs, tokens }: RunnerRoutesDeps): Router {
  const router = new Router({ prefix: "/runner/v1" });
  const siteOf = (ctx: Koa.Context): string => {
    const given = bearerOf(ctx);
    // Every token is compared, so that the time says nothing about which one was close.
    const sites = Object.entries(tokens).filter(([token]) => given !== undefined && sameSecret(given, token));
    const site = sites[0]?.[1];
    if (site === undefined) throw new GantryError("unauthenticated");
    ctx.state.actor = `runner of ${site}`;
    return site;
  };

  const post = <S extends z.ZodType>(
    path: string,
    schema: S,
    answer: (body: z.output<S>, site: string, ctx: Koa.Context) => Promise<unknown>,
  ): void => {
    router.post(path, async (ctx) => {
      const site = siteOf(ctx);
      ctx.body = await answer((await readJson(ctx, schema, { limit: 4 * 1_048_576 })) as z.output<S>, site, ctx);
    });
  };

  post("/session", wire.sessionRequest, protocol.session);
  post("/poll", wire.pollRequest, (body, site, ctx) => protocol.poll(body, site, goneSignal(ctx)));
  post("/claim", wire.claimRequest, protocol.claim);
  post("/decline", wire.declineRequest, protocol.decline);
  post("/start", wire.startRequest, protocol.start);
  post("/heartbeat", wire.heartbeatRequest, protocol.heartbeat);
  post("/progress", wire.progressRequest, protocol.progress);
  post("/effect/begin", wire.effectBegin, protocol.effectBegin);
  post("/effect/end", wire.effectEnd, protocol.effectEnd);
  post("/report", wire.reportRequest, protocol.report);

  router.post("/logs/:task/:job/:attempt/:step", async (ctx) => {
    const site = siteOf(ctx);
    const query = readQuery(ctx, wire.logQuery);
    const { task = "", job = "", attempt = "", step = "" } = ctx.params;
    const ref = wire.jobRef.safeParse({ task, job, attempt: Number(attempt), fence: query.fence });
    if (!ref.success || step.length === 0 || step.length > 200)
      throw new GantryError("bad-request", { problem: "the address of the log" });
    await protocol.mayLog(query.session, site, ref.data);
    const bytes = await readBytes(ctx, wire.MAX_LOG_CHUNK);
    const ack = await logs.append(
      { task, job, attempt: ref.data.attempt, step },
      query.offset,
      bytes,
      query.crc,
      query.final,
    );
    ctx.status = 202;
    ctx.body = { ack };
  });
  return router;
}
