// POST /v1/app-proposals and GET /v1/app-proposals/{id}: Gantry looks for an app that a person wants to adopt.

import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import {
  type AppProposal,
  appProposal,
  type LookForApp,
  lookForApp,
  nameOfLook,
} from "@gantry/wire/agent/proposals.ts";
import { z } from "zod";
import { requireOwnClaims } from "../access/claims.ts";
import type { Guard, Who } from "../access/guards/guard.ts";
import { requireAdoption } from "../access/guards/guards.ts";
import { noteOn } from "../audit/note.ts";
import { sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inTask, json, waitQuery } from "../http/schemas.ts";
import { longPoll } from "../live/long-poll.ts";

/** Looking for an app to adopt needs the right to adopt it. Where it would be built and run is not known before. */
const onLook: Guard<unknown, unknown, LookForApp> = {
  verb: "create-app",
  on: "new-app",
  check: async (asked) => {
    await sitesToLook(asked, { app: nameOfLook(asked.body), team: asked.body.team });
  },
};

/** A proposal is for people who could adopt the app. */
const onProposal: Guard<{ readonly id: string }, unknown, unknown> = {
  verb: "create-app",
  on: "new-app",
  check: async ({ params, ...asked }) => {
    const { name: app, team, site, sites = [site] } = await asked.portal.agent.appProposal(params.id);
    const known = [{ app }, { app, team }].some((one) => asked.rights.may({ ...one, verb: "view" }));
    if (!known) throw new GantryError("not-found", { kind: "proposal", name: params.id });
    // It names what was found at each of them.
    requireAdoption(asked, app, { team, sites });
  },
};

/** The sites where the caller may adopt the app; undefined for all of them. Throws `forbidden` for none. */
async function sitesToLook(
  who: Who,
  { app, team }: { readonly app: string; readonly team: string | undefined },
): Promise<readonly string[] | undefined> {
  const { rights, portal } = who;
  if (!rights.needs.sites || rights.mayEverywhere("create-app")) {
    requireAdoption(who, app, { team, sites: undefined });
    return undefined;
  }
  const { items } = await portal.agent.sites();
  const may = (site: string): boolean =>
    [{ app }, { app, team }].some((one) => rights.may({ ...one, sites: [site], verb: "create-app" }));
  const sites = items.map(({ name }) => name).filter(may);
  if (sites.length === 0) requireAdoption(who, app, { team, sites: [UNKNOWN_SITE] });
  return sites;
}

export const createAppProposal = route({
  method: "POST",
  path: "/v1/app-proposals",
  id: "createAppProposal",
  tag: "apps",
  summary: "Look for an app that exists, and propose how to adopt it",
  description:
    "A task reads the source repository, the yaml repository and the Argo CD of each site. Nothing is written. `Location` is the proposal; when its state is `ready`, send its `name` and `app`, perhaps changed, to `POST /v1/apps` with `adopt`. Repositories that the app could not have, or that an app of others has, are refused.",
  right: onLook,
  verb: "look for an app to adopt",
  body: lookForApp,
  example: {
    source: { system: "bitbucket", project: "SHOP", slug: "orders" },
    yaml: { project: "SHOP", slug: "deployments" },
    team: "payments",
  },
  responses: { 202: json("The proposal, without what the task will find", appProposal) },
  errors: ["conflict"],
  handle: async (call) => {
    const { ctx, portal, body } = call;
    const caller = callerOf(call);
    const name = nameOfLook(body);
    const sites = await sitesToLook(
      { portal, caller, rights: portal.rights.of(caller) },
      { app: name, team: body.team },
    );
    await requireRepositories(call, { ...body, name });
    const request = { ...body, name, principal: caller.name, ...(sites === undefined ? {} : { sites: [...sites] }) };
    const proposal = await portal.agent.startProposal(request);
    ctx.state.task = proposal.id;
    noteOn(ctx, { app: name, task: proposal.id });
    ctx.status = 202;
    ctx.set("Location", `/v1/app-proposals/${encodeURIComponent(proposal.id)}`);
    sendUncached(ctx, proposal);
  },
});

export const getAppProposal = route({
  method: "GET",
  path: "/v1/app-proposals/{id}",
  id: "getAppProposal",
  tag: "apps",
  summary: "Get the proposal for an app to adopt",
  description: "For people who may adopt the app and its repositories. It is there as long as the record of its task.",
  right: onProposal,
  verb: "look for an app to adopt",
  params: inTask,
  waits: true,
  query: z.strictObject({ wait: waitQuery.optional() }),
  responses: { 200: json("The proposal", appProposal) },
  errors: ["not-found"],
  handle: async (call) => {
    const { ctx, portal, params, query } = call;
    const caller = callerOf(call);
    const proposal = await longPoll({ ctx, portal, caller }, query.wait ?? 0, async (signal) => {
      const value = await portal.agent.appProposal(params.id, { signal });
      return { value, isDone: value.state !== "running", isExhausted: true };
    });
    await call.authorise();
    await requireRepositories(call, proposal);
    sendUncached(ctx, proposal);
  },
});

type Places = {
  readonly name: string;
  readonly source: AppProposal["source"];
  readonly yaml?: { readonly system?: string | undefined; readonly project: string; readonly slug: string } | undefined;
};

/** Throws `forbidden` for a repository of an app of others: a proposal shows what is in it. */
async function requireRepositories(
  call: Parameters<typeof callerOf>[0] & { readonly portal: Parameters<typeof requireOwnClaims>[0] },
  { name, source, yaml }: Places,
): Promise<void> {
  const plain = ({ system = source.system, project, slug }: NonNullable<Places["yaml"]>): JsonObject => ({
    ...{ system, project, slug },
  });
  const after = { source: plain(source), ...(yaml ? { yaml: plain(yaml) } : {}) };
  await requireOwnClaims(call.portal, callerOf(call), name, { before: {}, after, only: "repository" });
}
