// GET /v1/apps/{app}/builds/{number}

import { buildView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { onApp } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inApp, json } from "../http/schemas.ts";

export const getBuild = route({
  method: "GET",
  path: "/v1/apps/{app}/builds/{number}",
  id: "getBuild",
  tag: "apps",
  summary: "Get a build of an app",
  description: "What it is made of, what CI found, where it runs, and what it lacks for other targets.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp.extend({ number: z.string().regex(/^[0-9]{1,9}$/, "must be the number of a build") }),
  responses: { 200: json("The build", buildView) },
  errors: ["app-unknown", "not-found"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const build = await portal.agent.build(params.app, Number(params.number));
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), build);
  },
});
