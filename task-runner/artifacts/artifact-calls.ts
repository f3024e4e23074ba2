// Artifacts between this runner and the task-agent: uploads what the store of the site lacks, downloads what this runner lacks.
// It runs beside the leases, so it only moves bytes; finding, hashing and writing files is done by the thread of the job.

import { open } from "node:fs/promises";
import { type ArtifactFile, artifactFiles } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { ARTIFACT_CHUNK, type FetchedArtifact } from "@gantry/wire/runner/artifacts.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { z } from "zod";
import type { Link } from "../agent-link/agent-link.ts";
import { isCode } from "../ports.ts";
import type { ArtifactCalls, SaveRequest, TakenFiles, TakeRequest } from "../workers/job-executor.ts";
import type { ContentCache } from "./content-cache.ts";
import { contentPlace, isPresent, receiveContent } from "./content-folder.ts";
import { inParallel } from "./in-parallel.ts";

export type ArtifactCallsDeps = {
  readonly ref: JobRef;
  readonly link: Link;
  readonly content: ContentCache;
  readonly onLost: () => void;
};

/** A store that finds the wrong digest asks for the content again. */
const MAX_UPLOADS = 3;
/** The store may have removed content in between, though it keeps it for an hour. */
const MAX_SAVES = 5;

export function artifactCalls(deps: ArtifactCallsDeps): ArtifactCalls {
  const { onLost, content } = deps;
  const detectLost = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (isCode(error, "lease-lost")) onLost();
      throw error;
    } finally {
      await content.sweepIfDue();
    }
  };
  return {
    save: (artifact, signal) => detectLost(() => save(deps, artifact, signal)),
    take: (wanted, signal) => detectLost(() => take(deps, wanted, signal)),
  };
}

async function save(deps: ArtifactCallsDeps, { name, keepMs, files }: SaveRequest, signal: AbortSignal): Promise<void> {
  const { link, ref } = deps;
  const sizes = new Map(files.map(({ digest, size }) => [digest, size]));
  for (let times = 1; times <= MAX_SAVES; times += 1) {
    const { missing } = await link.call(
      (client, session, options) => client.saveArtifact({ session, ref, name, keepMs, files: [...files] }, options),
      { signal },
    );
    if (missing.length === 0) return;
    await inParallel(missing, (digest) => upload(deps, digest, sizes.get(digest) ?? 0, signal));
  }
  throw strange(`save the artifact ${name}`, "It asks for the same content again and again.");
}

async function upload(
  { link, ref, content }: ArtifactCallsDeps,
  digest: string,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(contentPlace(content.folder, digest), "r");
  try {
    let restarts = 0;
    let at = 0;
    do {
      const bytes = new Uint8Array(Math.min(ARTIFACT_CHUNK, size - at));
      await file.read(bytes, 0, bytes.length, at);
      const { ack } = await link.call(
        (client, session, options) => client.uploadArtifact({ session, ref, digest, size, offset: at, bytes }, options),
        { signal },
      );
      if (ack < at + bytes.length) restarts += 1;
      if (restarts > MAX_UPLOADS)
        throw strange("upload an artifact", "It asked for the content of a file from its beginning too often.");
      at = ack;
    } while (at < size);
  } finally {
    await file.close();
  }
}

async function take(
  deps: ArtifactCallsDeps,
  { job, name }: TakeRequest,
  signal: AbortSignal,
): Promise<readonly TakenFiles[]> {
  const { link, ref } = deps;
  const { artifacts } = await link.call(
    (client, session, options) => client.fetchArtifacts({ session, ref, job, name }, options),
    { signal },
  );
  const taken: TakenFiles[] = [];
  for (const artifact of artifacts) {
    const list: Uint8Array[] = [];
    for await (const part of parts(deps, artifact, undefined, signal)) list.push(part);
    const files = z.parse(artifactFiles, JSON.parse(Buffer.concat(list).toString("utf8")));
    await inParallel(files.entries(), ([index, file]) => download(deps, artifact, index, file, signal));
    taken.push({ job: artifact.job, name: artifact.name, files });
  }
  return taken;
}

async function download(
  deps: ArtifactCallsDeps,
  artifact: FetchedArtifact,
  index: number,
  { digest, size }: ArtifactFile,
  signal: AbortSignal,
): Promise<void> {
  if (await isPresent(contentPlace(deps.content.folder, digest), size)) return;
  await receiveContent(deps.content.folder, digest, parts(deps, artifact, index, signal));
}

/** The content of a file, or of the list of files. */
async function* parts(
  { link, ref }: ArtifactCallsDeps,
  { job: from, name, digest }: FetchedArtifact,
  file: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; ) {
    const at = offset;
    const part = await link.call(
      (client, session, options) =>
        client.artifactContent({ session, ref, from, name, digest, file, offset: at }, options),
      { signal },
    );
    yield part;
    offset += part.length;
    if (part.length < ARTIFACT_CHUNK) return;
  }
}

function strange(what: string, problem: string): GantryError {
  return new GantryError("system-strange", { system: "the task-agent", what, problem });
}
