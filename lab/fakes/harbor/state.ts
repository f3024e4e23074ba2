// The state of the fake Harbor, and what follows from it at a moment in time: nothing here waits, so a restart in
// the middle of a scan changes nothing.

import { randomBytes } from "node:crypto";

export type HarborTiming = {
  /** An artifact is unknown to the API for so long after its push. */
  readonly registerMs: number;
  /** A scan is invisible for so long, then pending for as long again. */
  readonly queueMs: number;
  /** Then it runs for so long. */
  readonly scanMs: number;
};

export type ProjectState = {
  readonly id: number;
  readonly name: string;
  readonly owner: string;
  readonly createdAtMs: number;
  metadata: Record<string, string>;
};

export type ArtifactState = {
  readonly id: number;
  readonly digest: string;
  readonly mediaType: string;
  readonly pushedAtMs: number;
  scan: { readonly id: string; readonly requestedAtMs: number; readonly count: number } | undefined;
};

export type RepositoryState = { readonly id: number; readonly artifacts: Record<string, ArtifactState> };

export type RobotState = {
  readonly id: number;
  readonly name: string;
  secret: string;
  readonly permissions: readonly { readonly namespace: string; readonly actions: readonly string[] }[];
};

export type HarborState = {
  /** Signs registry tokens. */
  readonly key: string;
  nextId: number;
  readonly projects: Record<string, ProjectState>;
  readonly repositories: Record<string, RepositoryState>;
  readonly robots: Record<string, RobotState>;
};

export type ScanMoment = {
  readonly status: "Pending" | "Running" | "Done";
  readonly percent: number;
  readonly startedAtMs: number;
  readonly endsAtMs: number;
};

export function newHarborState(): HarborState {
  return { key: randomBytes(32).toString("base64url"), nextId: 1, projects: {}, repositories: {}, robots: {} };
}

export function projectOf(repository: string): string {
  return repository.slice(0, repository.indexOf("/"));
}

/** The artifact as the API knows it: not before it is registered. */
export function visibleArtifact(
  state: HarborState,
  repository: string,
  digest: string | undefined,
  nowMs: number,
  timing: HarborTiming,
): ArtifactState | undefined {
  const artifact = digest === undefined ? undefined : state.repositories[repository]?.artifacts[digest];
  return artifact && artifact.pushedAtMs + timing.registerMs <= nowMs ? artifact : undefined;
}

/** Where the last scan stands; undefined when there was none, or it is only queued. */
export function scanMoment(artifact: ArtifactState, nowMs: number, timing: HarborTiming): ScanMoment | undefined {
  if (!artifact.scan) return undefined;
  const pendingAtMs = artifact.scan.requestedAtMs + timing.queueMs;
  const startedAtMs = pendingAtMs + timing.queueMs;
  const endsAtMs = startedAtMs + timing.scanMs;
  if (nowMs < pendingAtMs) return undefined;
  if (nowMs < startedAtMs) return { status: "Pending", percent: 0, startedAtMs, endsAtMs };
  if (nowMs >= endsAtMs) return { status: "Done", percent: 100, startedAtMs, endsAtMs };
  const percent = Math.floor((100 * (nowMs - startedAtMs)) / timing.scanMs);
  return { status: "Running", percent, startedAtMs, endsAtMs };
}

export function isScanning(artifact: ArtifactState, nowMs: number, timing: HarborTiming): boolean {
  return artifact.scan !== undefined && nowMs < artifact.scan.requestedAtMs + 2 * timing.queueMs + timing.scanMs;
}
