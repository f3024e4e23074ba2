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
