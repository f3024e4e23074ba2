// What routes that change apps share: answers, and errors that do not name apps of others.

import { GantryError } from "@gantry/core/errors.ts";
import type { AppOutcome } from "@gantry/wire/agent/agent-api.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type Koa from "koa";
import { sitesOfApp } from "../access/decide-sites.ts";
import { appFacts } from "../access/facts.ts";
import type { AppAsSeen } from "../access/gains.ts";
import { type Visibility, visibleLatest } from "../access/visible.ts";
import { sendUncachedText } from "../http/respond.ts";

export function asSeen(app: Pick<AppView, "name" | "record">): AppAsSeen {
  return { ...appFacts(app), app: app.name, sites: sitesOfApp(app.record) };
}

/** The app as it is now, with its revision as ETag. */
export async function sendOutcome(
  ctx: Koa.Context,
  visibility: Visibility,
  { change, app, shared = [] }: AppOutcome,
  status: 200 | 201,
): Promise<void> {
  const latest = await visibleLatest(visibility, app);
  const named = shared.map(async ({ other, ...file }) => ({
    ...file,
    ...(other !== undefined && (await visibility.app(other)) ? { other } : {}),
  }));
  const files = await Promise.all(named);
  ctx.status = status;
  if (app.revision !== undefined) ctx.set("ETag", `"${app.revision}"`);
  sendUncachedText(
    ctx,
    await visibility.redact(
      JSON.stringify({ change, app: { ...app, latest }, ...(files.length === 0 ? {} : { shared: files }) }),
    ),
  );
}

/** Errors whose `other` is an app. */
const NAMING: ReadonlySet<string> = new Set(["claim-taken", "overlay-taken", "place-taken"]);

/** An app that has a place is named only to those who may see it. */
export async function hidingOthers<T>(visibility: Pick<Visibility, "app">, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof GantryError) || !NAMING.has(error.code)) throw error;
    const { other, ...rest } = error.details;
    if (typeof other === "string" && (await visibility.app(other))) throw error;
    throw new GantryError(error.code, rest);
  }
}
