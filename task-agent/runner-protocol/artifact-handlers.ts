// A runner's messages about artifacts: what its job saves, and what it takes of the jobs that it needs. Every answer is about the
// runner's own attempt; which content it may read follows from the record of its task, never from a digest alone.

import { bytesOf } from "@gantry/core/artifact/artifact.ts";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { artifactsFor, decideArtifactSaved } from "@gantry/core/task/decide-artifacts.ts";
import { type Claimant, holder } from "@gantry/core/task/decision.ts";
import type * as artifacts from "@gantry/wire/runner/artifacts.ts";
import { ARTIFACT_CHUNK } from "@gantry/wire/runner/artifacts.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { z } from "zod";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { type Limits, raise } from "../limits.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { AttemptBudget } from "./attempt-budget.ts";

export type ArtifactHandlersDeps = {
  readonly tasks: Tasks;
  readonly limits: Limits;
  readonly budget: AttemptBudget;
  /** Absent: this agent keeps no artifacts. */
  readonly artifacts: ArtifactStore | undefined;
  /** The sender of a message. Throws `session-gone` and `lease-lost`. */
  readonly claimantOf: (session: string, site: string, ref: JobRef) => Promise<Claimant>;
  /** Store time, ms since 1970. */
  readonly now: () => Promise<number>;
};

type Upload = z.output<typeof artifacts.artifactUploadQuery> & { readonly ref: JobRef; readonly digest: string };
type Reading = z.output<typeof artifacts.artifactContentQuery> & { readonly ref: JobRef };

export function artifactHandlers(deps: ArtifactHandlersDeps) {
  const { tasks, limits, budget, claimantOf } = deps;
  const held = async (
    session: string,
    site: string,
    ref: JobRef,
  ): Promise<{ task: TaskRecord; claimant: Claimant }> => {
    const claimant = await claimantOf(session, site, ref);
    const task = await tasks.read(ref.task);
    const job = task && holder(task.state, claimant);
    if (job instanceof GantryError) throw job;
    if (!task || !job?.lease?.started) throw new GantryError("lease-lost", { problem: "The job does not run." });
    return { task, claimant };
  };
  return {
    saveArtifact: async (
      { session, ref, name, keepMs, files }: z.output<typeof artifacts.saveArtifact>,
      site: string,
    ): Promise<{ missing: string[] }> => {
      const { task, claimant } = await held(session, site, ref);
      const bytes = bytesOf(files);
      if (bytes > limits.artifactBytes) throw tooLarge(name, bytes, limits.artifactBytes);
      const store = storeOf(deps);
      const owner = { site, app: task.state.app };
      const missing = await store.missing(site, [...new Set(files.map(({ digest }) => digest))]);
      if (missing.length > 0) {
        await store.reserve(owner, files);
        return { missing: [...missing] };
      }
      const keptUntil = (await deps.now()) + keepMs;
      const digest = await store.keep(owner, files, keptUntil);
      const saved = { name, digest, files: files.length, bytes, keptUntil };
      await tasks.change(ref.task, ({ state }, now) =>
        budget(ref, decideArtifactSaved(state, claimant, saved, limits.artifacts, now)),
      );
      return { missing: [] };
    },

    fetchArtifacts: async (
      { session, ref, job, name }: z.output<typeof artifacts.fetchArtifacts>,
      site: string,
    ): Promise<z.input<typeof artifacts.fetchArtifactsReply>> => {
      const { task } = await held(session, site, ref);
      const found = artifactsFor(task.pipeline, task.state, ref.job, { job, name }, await deps.now());
      return {
        artifacts: found.map(({ job: from, name: of, saved }) => ({ job: from, name: of, digest: saved.digest })),
      };
    },

    /** `bytes` are read once the caller may write them. */
    uploadArtifact: async (
      { session, ref, digest, size, offset }: Upload,
      site: string,
      bytes: () => Promise<Buffer>,
    ): Promise<{ ack: number }> => {
      await held(session, site, ref);
      if (size > limits.artifactBytes) throw tooLarge(undefined, size, limits.artifactBytes);
      return { ack: await storeOf(deps).append(site, { digest, size }, offset, await bytes()) };
    },

    artifactContent: async (query: Reading, site: string): Promise<Buffer> => {
      const { session, ref, from, name, digest, file, offset } = query;
      const { task } = await held(session, site, ref);
      const [found] = artifactsFor(task.pipeline, task.state, ref.job, { job: from, name }, await deps.now());
      const gone = (problem: string): GantryError =>
        new GantryError("artifact-missing", { artifact: `artifact ${name}`, job: from, problem });
      if (found?.saved.digest !== digest) throw gone("The job has saved another one since.");
      const store = storeOf(deps);
      const content = file === undefined ? digest : (await store.files(found.saved.site, digest))?.[file]?.digest;
      const read = content && (await store.read(found.saved.site, content, offset, ARTIFACT_CHUNK));
      if (read === undefined || read === "") throw gone("Its content is no longer in the store.");
      return read;
    },
  };
}

function storeOf({ artifacts }: ArtifactHandlersDeps): ArtifactStore {
  if (artifacts) return artifacts;
  throw new GantryError("unavailable", { what: "The store of artifacts", problem: "This task-agent has none." });
}

function tooLarge(name: string | undefined, bytes: number, limit: number): GantryError {
  const problem = `it has ${counted(bytes, "byte")}, and the limit is ${limit}`;
  const artifact = name === undefined ? "A file of an artifact" : `The artifact ${name}`;
  return new GantryError("artifact-too-large", { artifact, problem, hint: raise("artifactBytes") });
}
