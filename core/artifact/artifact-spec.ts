// What a job saves and downloads, after normalising.

/** `when`: absent: the job has succeeded so far. */
export type ArtifactSpec = {
  readonly name: string;
  readonly paths: readonly string[];
  readonly retentionMs: number;
  readonly optional: boolean;
  readonly when?: string;
};

/** `artifact`: absent: all of the job. */
export type DownloadSpec = { readonly job: string; readonly artifact?: string; readonly to: string };

/** Folders that later jobs of the same app and branch find again on the same runner. */
export type CacheSpec = {
  readonly name: string;
  readonly paths: readonly string[];
  /** Their content is part of the key. */
  readonly files: readonly string[];
  /** May contain expressions, as `fallback`. */
  readonly key: string;
  readonly fallback: readonly string[];
};
