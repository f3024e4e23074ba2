// HTTP for runners: wire/protocol.ts below /runner/v1. The token says for which site the caller may speak.

import { GantryError } from "@gantry/core/errors.ts";
import { bearerOf, goneSignal, readBytes, readJson, readQuery, sameSecret } from "@gantry/wire/http.ts";
import * as wire from "@gantry/wire/protocol.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import type { LogStore } from "./log-store.ts";
import { appendLog, runnerCalls } from "./runner-calls.ts";
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

  for (const { path, answer } of runnerCalls(protocol)) {
    router.post(`/${path}`, async (ctx) => {
      const site = siteOf(ctx);
      ctx.body = await answer(await readJson(ctx, z.unknown(), { limit: 4 * 1_048_576 }), site, goneSignal(ctx));
    });
  }

  router.post("/logs/:task/:job/:attempt/:step", async (ctx) => {
    const site = siteOf(ctx);
    const { task = "", job = "", attempt = "", step = "" } = ctx.params;
    const query = readQuery(ctx, wire.logQuery);
    const bytes = (): Promise<Buffer> => readBytes(ctx, wire.MAX_LOG_CHUNK);
    ctx.body = await appendLog({ protocol, logs }, { task, job, attempt, step }, query, bytes, site);
    ctx.status = 202;
  });
  return router;
}
