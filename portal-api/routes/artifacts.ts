// GET /v1/tasks/{id}/artifacts, the files of one artifact, and a file of it.

import { Readable } from "node:stream";
import { GantryError } from "@gantry/core/errors.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type { AgentClient, ArtifactPiece, ArtifactPlace } from "@gantry/wire/agent/agent-client.ts";
import { artifactFileView, artifactView } from "@gantry/wire/agent/artifacts.ts";
import { page } from "@gantry/wire/agent/views.ts";
import type Koa from "koa";
import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { route } from "../http/route.ts";
import { innerId, inTask, json, taskId } from "../http/schemas.ts";

/** What a browser shows of a file. */
const PREVIEW = 262_144;
const PIECE = 2_097_152;

const inArtifact = z.strictObject({
  id: taskId,
  job: innerId.describe("Key of the job"),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be the name of an artifact"),
});

export const listArtifacts = route({
  method: "GET",
  path: "/v1/tasks/{id}/artifacts",
  id: "listArtifacts",
  tag: "tasks",
  summary: "List what the jobs of a task have saved",
  right: onTask("view-logs"),
  verb: "see artifacts",
  params: inTask,
  responses: { 200: json("The artifacts, in the order of the jobs", page(artifactView)) },
  handle: async ({ ctx, portal, params }) => {
    ctx.body = { items: await portal.agent.artifacts(params.id) };
  },
});

export const listArtifactFiles = route({
  method: "GET",
  path: "/v1/tasks/{id}/jobs/{job}/artifacts/{name}/files",
  id: "listArtifactFiles",
  tag: "tasks",
  summary: "List the files of an artifact",
  right: onTask("view-logs"),
  verb: "see artifacts",
  params: inArtifact,
  responses: { 200: json("The files", page(artifactFileView)) },
  errors: ["artifact-missing"],
  handle: async ({ ctx, portal, params }) => {
    ctx.body = { items: await portal.agent.artifactFiles({ task: params.id, job: params.job, name: params.name }) };
  },
});

export const readArtifact = route({
  method: "GET",
  path: "/v1/tasks/{id}/jobs/{job}/artifacts/{name}/content",
  id: "readArtifact",
  tag: "tasks",
  summary: "Download a file of an artifact, or show the beginning of a text",
  description:
    "Without `preview` the file is a download. With it, the answer is at most its first 256 KiB as `text/plain`, whatever the file is, so that a browser runs nothing of it.",
  right: onTask("view-logs"),
  verb: "see artifacts",
  params: inArtifact,
  query: z.strictObject({
    path: z.string().min(1).max(1_000).describe("Path of the file in the artifact"),
    preview: z.enum(["true"]).optional(),
  }),
  responses: {
    200: {
      description: "The content of the file",
      content: { "application/octet-stream": z.string(), "text/plain": z.string() },
    },
  },
  errors: ["artifact-missing"],
  handle: async ({ ctx, portal, params, query }) => {
    const place = { task: params.id, job: params.job, name: params.name, path: query.path };
    const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing]);
    const isPreview = query.preview === "true";
    const first = await portal.agent.artifactContent(place, 0, isPreview ? PREVIEW : PIECE, { signal });
    setHeaders(ctx, query.path, isPreview);
    if (isPreview) {
      ctx.body = first.bytes;
      return;
    }
    ctx.length = first.size;
    ctx.body = Readable.from(content(portal.agent, place, first, signal), { objectMode: false });
    ctx.length = first.size;
  },
});

/** Anybody who may run a job can save anything: a browser shows it as text or stores it, and runs nothing. */
function setHeaders(ctx: Koa.Context, path: string, isPreview: boolean): void {
  const name = path.split("/").at(-1) ?? "file";
  ctx.status = 200;
  ctx.type = isPreview ? "text/plain; charset=utf-8" : "application/octet-stream";
  ctx.set("Cache-Control", "no-store");
  ctx.set("Content-Security-Policy", "sandbox");
  ctx.set("X-Content-Type-Options", "nosniff");
  const how = isPreview ? "inline" : "attachment";
  ctx.set(
    "Content-Disposition",
    `${how}; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, percentEncoded)}`,
  );
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The size is told before, so an answer that ends early breaks off instead of looking complete. */
async function* content(
  agent: AgentClient,
  place: ArtifactPlace,
  first: ArtifactPiece,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let piece = first;
  for (let at = 0; at < first.size; ) {
    if (piece.bytes.length === 0)
      throw new GantryError("unavailable", { what: "The store of artifacts", problem: "The file ends too early." });
    yield piece.bytes;
    at += piece.bytes.length;
    if (at < first.size) piece = await agent.artifactContent(place, at, PIECE, { signal });
  }
}
