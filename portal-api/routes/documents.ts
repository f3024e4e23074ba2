// GET /openapi.json, /docs and their style sheet. They describe all routes, so they are made with the list of them.

import { readFileSync } from "node:fs";
import type { JsonObject } from "@gantry/core/json.ts";
import { z } from "zod";
import { sendJson } from "../http/answer.ts";
import { openApiOf } from "../http/openapi.ts";
import { type Route, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { docsPage } from "../pages/docs-page.ts";
import { sendPage } from "../pages/page.ts";
import type { Portal } from "../portal.ts";
import { VERSION } from "../version.ts";

const STYLE = readFileSync(new URL("../pages/portal.css", import.meta.url), "utf8");

/** `all` is asked when a request comes: the list holds these routes too. */
export function documentRoutes(all: () => readonly Route[]): readonly Route[] {
  const made = (portal: Portal): JsonObject => openApiOf(all(), { version: VERSION, url: portal.publicUrl() });
  return [
    route({
      method: "GET",
      path: "/openapi.json",
      id: "getOpenApi",
      tag: "documents",
      summary: "This API as an OpenAPI 3.1 document",
      access: "viewer",
      verb: "read the documents",
      answers: { 200: json("OpenAPI 3.1", z.record(z.string(), z.json())) },
      handle: ({ ctx, portal }) => sendJson(ctx, made(portal)),
    }),
    route({
      method: "GET",
      path: "/docs",
      id: "showDocs",
      tag: "documents",
      summary: "This API as a page",
      access: "viewer",
      verb: "read the documents",
      page: true,
      answers: { 200: { description: "The page", content: { "text/html": z.string() } } },
      handle: ({ ctx, portal }) => sendPage(ctx, docsPage(all(), made(portal))),
    }),
    route({
      method: "GET",
      path: "/portal.css",
      id: "getStyle",
      tag: "documents",
      summary: "Style sheet of the portal's own pages",
      access: "anyone",
      verb: "read the documents",
      answers: { 200: { description: "CSS", content: { "text/css": z.string() } } },
      handle: ({ ctx }) => {
        ctx.type = "text/css";
        ctx.set("Cache-Control", "public, max-age=300");
        ctx.body = STYLE;
      },
    }),
  ];
}
