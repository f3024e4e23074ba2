// The content of artifacts, in both directions: a runner uploads and downloads files, the portal reads them.

import { artifactDigest } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { readBytes } from "@gantry/runtime/http/read-request.ts";
import { addRoutes } from "@gantry/runtime/http/serve-routes.ts";
import { ARTIFACT_CHUNK } from "@gantry/wire/runner/artifacts.ts";
import { type JobRef, jobRef } from "@gantry/wire/runner/protocol.ts";
import { RUNNER_CONTENT, RUNNER_UPLOAD } from "@gantry/wire/runner/routes.ts";
import type Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import type { RunnerProtocol } from "../runner-protocol/runner-protocol.ts";

/** `siteOf` throws for a caller that is not the runner of the session. */
export function addArtifactContent(
  router: Router,
  protocol: Pick<RunnerProtocol, "uploadArtifact" | "artifactContent">,
  siteOf: (ctx: Koa.Context, session: string) => string,
): void {
  addRoutes(
    router,
    { upload: RUNNER_UPLOAD, content: RUNNER_CONTENT },
    {
      upload: ({ ctx, params, query }) => {
        const digest = z.safeParse(artifactDigest, params.digest);
        if (!digest.success) throw new GantryError("bad-request", { problem: "the digest is not a SHA-256 digest" });
        const upload = { ...query, ref: refOf(params, query.fence), digest: digest.data };
        const bytes = (): Promise<Buffer> => readBytes(ctx, ARTIFACT_CHUNK);
        return protocol.uploadArtifact(upload, siteOf(ctx, query.session), bytes);
      },
      content: async ({ ctx, params, query }) => {
        const wanted = { ...query, ref: refOf(params, query.fence) };
        ctx.body = await protocol.artifactContent(wanted, siteOf(ctx, query.session));
        ctx.type = "application/octet-stream";
        return undefined;
      },
    },
  );
}

function refOf(
  params: { readonly task: string; readonly job: string; readonly attempt: string },
  fence: number,
): JobRef {
  const ref = jobRef.safeParse({ task: params.task, job: params.job, attempt: Number(params.attempt), fence });
  if (!ref.success) throw new GantryError("bad-request", { problem: "the path of the request is invalid" });
  return ref.data;
}
