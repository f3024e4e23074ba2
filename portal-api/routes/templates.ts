// GET /v1/templates, POST /v1/templates/read and /push: the templates of create-app.

import {
  pushTemplates as pushBody,
  readTemplates as readBody,
  type TemplatesView,
  templatesView,
} from "@gantry/wire/agent/templates.ts";
import { listOf, onInstallation } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendUncachedText } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, json } from "../http/schemas.ts";

export const getTemplates = route({
  method: "GET",
  path: "/v1/templates",
  id: "getTemplates",
  tag: "pipelines",
  summary: "Show the templates that apps can be created from",
  description:
    "As they were last read, with the clusters and projects that the form of create-app offers. The task is shown to callers with the right to manage settings.",
  right: listOf("view-pipelines"),
  verb: "see pipelines",
  responses: { 200: json("What was last read", templatesView) },
  handle: async (call) => {
    const caller = callerOf(call);
    const visibility = visibilityOf(call.portal, caller);
    const { project, read, task } = await call.portal.agent.templates();
    const mayManage = call.portal.rights.of(caller).may({ verb: "manage-settings" });
    const view: TemplatesView = visibility.pipeline("create-app")
      ? {
          ...(project === undefined ? {} : { project }),
          ...(read ? { read: { ...read, clusters: read.clusters.filter(({ site }) => visibility.site(site)) } } : {}),
          ...(task && mayManage ? { task } : {}),
        }
      : {};
    sendUncachedText(call.ctx, await visibility.redact(JSON.stringify(view)));
  },
});

export const readTemplates = route({
  method: "POST",
  path: "/v1/templates/read",
  id: "readTemplates",
  tag: "pipelines",
  summary: "Read the templates, clusters and projects now",
  description: "Answers the task that reads them; `GET /v1/templates` tells the result.",
  right: onInstallation("manage-settings"),
  verb: "read templates",
  body: readBody,
  responses: { 202: accepted },
  handle: async (call) => {
    const principal = callerOf(call).name;
    await sendAccepted(call, await call.portal.agent.syncTemplates({ principal, ...call.body }));
  },
});

export const pushTemplates = route({
  method: "POST",
  path: "/v1/templates/push",
  id: "pushTemplates",
  tag: "pipelines",
  summary: "Push the templates that ship with Gantry to the git host",
  description:
    "Answers the task that does. Templates that are not there are made; others are updated. What others have changed stays, unless `force` is set.",
  right: onInstallation("manage-settings"),
  verb: "push templates",
  body: pushBody,
  example: { templates: ["web-service", "web-service-deploy"] },
  responses: { 202: accepted },
  handle: async (call) => {
    const principal = callerOf(call).name;
    const { templates, force, ...where } = call.body;
    const push = { force, ...(templates === undefined ? {} : { templates }) };
    await sendAccepted(call, await call.portal.agent.syncTemplates({ principal, ...where, push }));
  },
});
