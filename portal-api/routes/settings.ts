// GET, POST /v1/settings and GET /v1/settings/history: what operators change while everything runs.

import { page } from "@gantry/wire/agent/views.ts";
import { changeSettings, settingsChange, settingsView } from "@gantry/wire/settings/settings.ts";
import { sendFresh, sendJson } from "../http/answer.ts";
import { callerOf, route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const getSettings = route({
  method: "GET",
  path: "/v1/settings",
  id: "getSettings",
  tag: "operation",
  summary: "Settings that can be changed while everything runs",
  access: "admin",
  verb: "see settings",
  answers: { 200: json("All of them, with what is allowed", settingsView) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.settings()),
});

export const setSettings = route({
  method: "POST",
  path: "/v1/settings",
  id: "changeSettings",
  tag: "operation",
  summary: "Change settings while everything runs",
  description: "In force in every process within 10 seconds. All changes of one request are made, or none.",
  access: "admin",
  verb: "change settings",
  body: changeSettings,
  answers: { 200: json("All of them after the change", settingsView) },
  errors: ["version-differs"],
  handle: async (call) => {
    const { reason, ...wish } = call.body;
    const principal = callerOf(call).name;
    const why = reason === undefined ? {} : { reason };
    sendFresh(call.ctx, await call.portal.agent.changeSettings({ ...wish, ...why, principal }));
  },
});

export const listSettingsHistory = route({
  method: "GET",
  path: "/v1/settings/history",
  id: "listSettingsHistory",
  tag: "operation",
  summary: "Who has changed which setting, and when; newest first",
  access: "admin",
  verb: "see settings",
  query: pageQuery,
  answers: { 200: json("A page of changes", page(settingsChange)) },
  handle: async ({ ctx, portal, query }) => sendJson(ctx, await portal.agent.settingsHistory({ limit: 50, ...query })),
});
