// Artifacts for people: the list of a task, the files of one, and parts of a file. Of tasks in the journal and in the archive.

import type { SavedArtifact } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { ParamsOf, Parsed } from "@gantry/runtime/http/route.ts";
import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import { ARTIFACT_SIZE_HEADER, type ArtifactFileView, type ArtifactView } from "@gantry/wire/agent/artifacts.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type Koa from "koa";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { storeMs } from "../store/store-time.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { iso } from "./iso.ts";

type Task = Pick<TaskRecord, "state">;
type Store = ArtifactStore | undefined;

type Reads = Pick<RouteHandlers<AgentRoutes>, "artifacts" | "artifactFiles" | "artifactContent">;

/** The handlers of tasks in the journal. */
export function artifactReads(
  { journal, artifacts }: { readonly journal: Pick<Journal, "now">; readonly artifacts?: Store },
  requireTask: (id: string) => Promise<Task>,
): Reads {
  return {
    artifacts: async ({ params }) => artifactViews(await requireTask(params.id), await storeMs(journal)),
    artifactFiles: async ({ params }) => artifactFileViews(await requireTask(params.id), params, artifacts),
    artifactContent: async ({ ctx, params, query }) =>
      sendArtifactPart(ctx, await requireTask(params.id), params, query, artifacts),
  };
}

/** In the order of the jobs. `now`: store time, ms since 1970. */
export function artifactViews({ state }: Task, now: number): { items: ArtifactView[] } {
  const items = Object.values(state.jobs).flatMap(({ key, artifacts = {} }) =>
    Object.entries(artifacts).map(
      ([name, { site, attempt, files, bytes, savedAt, keptUntil }]): ArtifactView => ({
        ...{ job: key, name, attempt, site, files, bytes },
        savedAt: iso(savedAt),
        keptUntil: iso(keptUntil),
        state: keptUntil <= now ? "expired" : "kept",
      }),
    ),
  );
  return { items };
}

/** Throws `not-found`, and `artifact-missing` when it has expired. */
export async function artifactFileViews(
  task: Task,
  params: Pick<ParamsOf<AgentRoutes["artifactFiles"]>, "job" | "name">,
  store: Store,
): Promise<{ items: ArtifactFileView[] }> {
  const files = await filesOf(task, params, store);
  return { items: files.map(({ path, size, digest, executable = false }) => ({ path, size, digest, executable })) };
}

/** Throws as `artifactFileViews`. */
export async function sendArtifactPart(
  ctx: Koa.Context,
  task: Task,
  params: Pick<ParamsOf<AgentRoutes["artifactContent"]>, "job" | "name">,
  { path, from, limit }: Parsed<AgentRoutes["artifactContent"]["query"]>,
  store: Store,
): Promise<undefined> {
  const file = (await filesOf(task, params, store)).find((one) => one.path === path);
  if (!file) throw new GantryError("not-found", { kind: "file", name: path });
  const bytes = await store?.read(saved(task, params).site, file.digest, from, limit);
  if (!bytes) throw gone(params, "Its content is no longer in the store.");
  ctx.set(ARTIFACT_SIZE_HEADER, String(file.size));
  ctx.type = "application/octet-stream";
  ctx.body = bytes;
}

async function filesOf(task: Task, params: { readonly job: string; readonly name: string }, store: Store) {
  const artifact = saved(task, params);
  const files = await store?.files(artifact.site, artifact.digest);
  if (files) return files;
  throw gone(params, `It was kept until ${iso(artifact.keptUntil)}, and is removed.`);
}

function saved({ state }: Task, { job, name }: { readonly job: string; readonly name: string }): SavedArtifact {
  const artifacts = (Object.hasOwn(state.jobs, job) ? state.jobs[job]?.artifacts : undefined) ?? {};
  const found = Object.hasOwn(artifacts, name) ? artifacts[name] : undefined;
  if (!found) throw new GantryError("not-found", { kind: "artifact", name: `${job}/${name}` });
  return found;
}

function gone({ job, name }: { readonly job: string; readonly name: string }, problem: string): GantryError {
  return new GantryError("artifact-missing", { artifact: `artifact ${name}`, job, problem });
}
