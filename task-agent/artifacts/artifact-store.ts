// The port for the content of artifacts. Each site has a store of its own: nothing that one site has saved is found, or counts
// as present, at another one. Content has the name of its SHA-256 digest, so that the same content is kept once per site.
//
// Calls may run concurrently, also those of several task-agents that share a store. Errors of the disk are `unavailable`.

import type { ArtifactFile } from "@gantry/core/artifact/artifact.ts";

export type Content = Pick<ArtifactFile, "digest" | "size">;

/** Who takes the space of an artifact: an app at a site. Tasks without an app are one owner together. */
export type Owner = { readonly site: string; readonly app: string | undefined };

export type ArtifactStore = {
  /** Which of these the site lacks. The others stay for at least an hour, whether an artifact has them or not. */
  readonly missing: (site: string, digests: readonly string[]) => Promise<readonly string[]>;
  /**
   * Adds bytes of a content at an offset, and returns how many the store has now. Bytes that it has are not written again; after
   * a gap nothing is written. When it is complete, its digest is checked: 0 if it was wrong, and the upload begins again. Then it
   * is durable. Throws `artifact-too-large` when the site has no space left.
   */
  readonly append: (site: string, content: Content, offset: number, bytes: Uint8Array) => Promise<number>;
  /**
   * Counts these files as the owner's for an hour or two, so that they can be uploaded; an upload that is never finished counts, too.
   * Throws `artifact-too-large` when the app has no space left.
   */
  readonly reserve: (owner: Owner, files: readonly ArtifactFile[]) => Promise<void>;
  /**
   * Keeps an artifact with these files until a time, ms since 1970, and returns the digest of their list; durable when it
   * resolves. The site must have the content. The same files may be kept several times. Throws as `reserve`.
   */
  readonly keep: (owner: Owner, files: readonly ArtifactFile[], untilMs: number) => Promise<string>;
  /** The files of an artifact, by the digest of their list; undefined: the site does not have it. Cheap when asked again. */
  readonly files: (site: string, digest: string) => Promise<readonly ArtifactFile[] | undefined>;
  /** At most `limit` bytes of a content from an offset; undefined: the site does not have it. */
  readonly read: (site: string, digest: string, offset: number, limit: number) => Promise<Buffer | undefined>;
  /** Removes artifacts whose time is over, and content that no artifact has. Returns what was removed. */
  readonly sweep: (nowMs: number) => Promise<{ readonly artifacts: number; readonly bytes: number }>;
};
