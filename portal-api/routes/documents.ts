// GET /openapi.json, /docs and their style sheet. They describe all routes, so they take the list of routes.

import { readFileSync } from "node:fs";
import type { JsonObject } from "@gantry/core/json.ts";
import { z } from "zod";
import { openApiOf } from "../http/openapi.ts";
import { etagOf, sendText } from "../http/respond.ts";
import { type Route, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { docsPage } from "../pages/docs-page.ts";
import { sendPage } from "../pages/page.ts";
import type { Portal } from "../portal.ts";
import { VERSION } from "../version.ts";

const STYLE = readFileSync(new URL("../pages/portal.css", import.meta.url), "utf8");

type Documents = { readonly url: string; readonly json: Buffer; readonly tag: string; readonly page: Buffer };

/** `all` is called when a request arrives, because the list contains these routes, too. */
export function documentRoutes(all: () => readonly Route[]): readonly Route[] {
  let made: Documents | undefined;
  /** They are the same for everybody, and to make them takes 0.1 s. */
  const documents = (portal: Portal): Documents => {
    const url = portal.publicUrl();
    if (made?.url === url) return made;
    const openApi: JsonObject = openApiOf(all(), { version: VERSION, url });
    const json = JSON.stringify(openApi);
    made = { url, json: Buffer.from(json), tag: etagOf(json), page: Buffer.from(docsPage(all(), openApi)) };
    return made;
  };
  return [
    route({
      method: "GET",
      path: "/openapi.json",
      id: "getOpenApi",
      tag: "documents",
      summary: "The OpenAPI 3.1 document of this API",
      right: "signed-in",
      verb: "read the API documentation",
      responses: { 200: json("OpenAPI 3.1", z.record(z.string(), z.json())) },
      handle: ({ ctx, portal }) => sendText(ctx, documents(portal).json, documents(portal).tag),
    }),
    route({
      method: "GET",
      path: "/docs",
      id: "showDocs",
      tag: "documents",
      summary: "The documentation of this API as a page",
      right: "signed-in",
      verb: "read the API documentation",
      page: true,
      responses: { 200: { description: "The page", content: { "text/html": z.string() } } },
      handle: ({ ctx, portal }) => sendPage(ctx, documents(portal).page),
    }),
    route({
      method: "GET",
      path: "/portal.css",
      id: "getStyle",
      tag: "documents",
      summary: "The style sheet of the sign-in and documentation pages",
      right: "anyone",
      verb: "read the API documentation",
      responses: { 200: { description: "CSS", content: { "text/css": z.string() } } },
      handle: ({ ctx }) => {
        ctx.type = "text/css";
        ctx.set("Cache-Control", "public, max-age=300");
        ctx.body = STYLE;
      },
    }),
  ];
}
