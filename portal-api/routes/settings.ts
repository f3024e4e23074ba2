// GET, POST /v1/settings and GET /v1/settings/history: settings that take effect in running processes.

import { page } from "@gantry/wire/agent/views.ts";
import { changeSettings, settingsChange, settingsView } from "@gantry/wire/settings/settings.ts";
import { onInstallation } from "../access/guards/guards.ts";
import { sendJson, sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const getSettings = route({
  method: "GET",
  path: "/v1/settings",
  id: "getSettings",
  tag: "operation",
  summary: "List the live settings",
  right: onInstallation("manage-settings"),
  verb: "see settings",
  responses: { 200: json("All live settings, with their allowed values", settingsView) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.settings()),
});

export const setSettings = route({
  method: "POST",
  path: "/v1/settings",
  id: "changeSettings",
  tag: "operation",
  summary: "Change live settings",
  description:
    "The changes take effect in every process within 10 seconds. Either all changes of a request are made, or none.",
  right: onInstallation("manage-settings"),
  verb: "change settings",
  body: changeSettings,
  example: { version: 3, changes: { "dispatch.pausedSites": ["tokyo"] }, reason: "Maintenance until 18:00." },
  responses: { 200: json("All live settings after the change", settingsView) },
  errors: ["version-differs"],
  handle: async (call) => {
    const { reason, ...changes } = call.body;
    const principal = callerOf(call).name;
    const why = reason === undefined ? {} : { reason };
    sendUncached(call.ctx, await call.portal.agent.changeSettings({ ...changes, ...why, principal }));
  },
});

export const listSettingsHistory = route({
  method: "GET",
  path: "/v1/settings/history",
  id: "listSettingsHistory",
  tag: "operation",
  summary: "List the changes of live settings, newest first",
  right: onInstallation("manage-settings"),
  verb: "see settings",
  query: pageQuery,
  responses: { 200: json("A page of changes", page(settingsChange)) },
  handle: async ({ ctx, portal, query }) => sendJson(ctx, await portal.agent.settingsHistory({ limit: 50, ...query })),
});
