// Artifacts and scans of the fake Harbor, as the API shows them at this moment.

import { Answer } from "../fake-server.ts";
import { errors } from "../registry/auth.ts";
import type { PushedManifest } from "../registry/call.ts";
import type { RegistryStore } from "../registry/store.ts";
import { worst } from "./scanner.ts";
import { harborScans, isImage, mergeOverviews, readManifest, SCANNER } from "./scans.ts";
import {
  type ArtifactState,
  type HarborState,
  type HarborTiming,
  isScanning,
  type ProjectState,
  projectOf,
  visibleArtifact,
} from "./state.ts";

export type HarborArtifacts = ReturnType<typeof harborArtifacts>;

type Options = {
  readonly state: HarborState;
  readonly save: () => void;
  readonly store: RegistryStore;
  readonly timing: HarborTiming;
  readonly clock: () => number;
};

const REPORT = "application/vnd.security.vulnerability.report; version=1.1";

export function harborArtifacts({ state, save, store, timing, clock }: Options) {
  const scans = harborScans({ state, store, timing, clock });

  return {
    pushed: ({ repository, digest, mediaType }: PushedManifest): void => {
      const { manifest } = readManifest(store, repository, digest);
      // A manifest that belongs to another one is its accessory, not an artifact.
      if (manifest.subject) return;
      const entry = state.repositories[repository] ?? { id: state.nextId++, artifacts: {} };
      state.repositories[repository] = entry;
      if (entry.artifacts[digest]) return;
      const artifact: ArtifactState = {
        id: state.nextId++,
        digest,
        mediaType,
        pushedAtMs: clock(),
        scan: undefined,
      };
      entry.artifacts[digest] = artifact;
      if (isImage(manifest) && state.projects[projectOf(repository)]?.metadata.auto_scan === "true")
        scans.request(artifact);
      save();
    },

    find: (repository: string, reference: string): { repository: string; artifact: ArtifactState } => {
      const digest = store.getManifest(repository, reference)?.digest;
      const artifact = visibleArtifact(state, repository, digest, clock(), timing);
      if (!artifact) throw notFound(repository, reference);
      return { repository, artifact };
    },

    view: async (project: ProjectState, repository: string, artifact: ArtifactState, withScan: boolean) => {
      const { bytes, manifest } = readManifest(store, repository, artifact.digest);
      const scanned = scans.images(repository, artifact);
      const overviews = withScan ? await Promise.all(scanned.map((one) => scans.overview(repository, one))) : [];
      const merged = mergeOverviews(overviews.filter((one) => one !== undefined));
      const tags = store.tags(repository).filter(({ digest }) => digest === artifact.digest);
      return {
        id: artifact.id,
        type: "IMAGE",
        project_id: project.id,
        repository_id: state.repositories[repository]?.id ?? 0,
        digest: artifact.digest,
        push_time: new Date(artifact.pushedAtMs).toISOString(),
        ...manifestFields(manifest, artifact.mediaType, bytes.length),
        tags: tags.map(({ tag }) => ({ name: tag, artifact_id: artifact.id, immutable: false })),
        addition_links: scanned.length === 0 ? {} : vulnerabilityLink(project, repository, artifact.digest),
        ...(merged ? { scan_overview: { [REPORT]: merged } } : {}),
      };
    },

    startScan: (repository: string, artifact: ArtifactState): void => {
      const scanned = scans.images(repository, artifact);
      if (scanned.length === 0) throw new Answer(400, errors("BAD_REQUEST", "the artifact can not be scanned"));
      if (scanned.some((one) => isScanning(one, clock(), timing))) {
        throw new Answer(409, errors("CONFLICT", "a previous scan process is running"));
      }
      for (const one of scanned) scans.request(one);
      save();
    },

    report: async (repository: string, artifact: ArtifactState): Promise<object> => {
      const vulnerabilities = await scans.findings(repository, artifact);
      if (!vulnerabilities) return {};
      const generated_at = new Date(clock()).toISOString();
      return { [REPORT]: { generated_at, scanner: SCANNER, severity: worst(vulnerabilities), vulnerabilities } };
    },

    findings: scans.findings,

    ...artifactLists(state, store),
  };
}

function artifactLists(state: HarborState, store: RegistryStore) {
  return {
    repositories: (project: string): readonly { id: number; name: string; count: number }[] =>
      Object.entries(state.repositories)
        .filter(([name]) => projectOf(name) === project)
        .map(([name, { id, artifacts }]) => ({ id, name, count: Object.keys(artifacts).length })),

    /** For the page: newest first. */
    list: (project: string): readonly { repository: string; digest: string; tags: readonly string[] }[] =>
      Object.entries(state.repositories)
        .filter(([name]) => projectOf(name) === project)
        .flatMap(([repository, { artifacts }]) =>
          Object.values(artifacts).map((artifact) => ({ repository, artifact })),
        )
        .sort((a, b) => b.artifact.pushedAtMs - a.artifact.pushedAtMs)
        .map(({ repository, artifact: { digest } }) => ({
          repository,
          digest,
          tags: store.tags(repository).flatMap((one) => (one.digest === digest ? one.tag : [])),
        })),
  };
}

type Manifest = ReturnType<typeof readManifest>["manifest"];

/** What the API takes from the manifest; `size` is that of the manifest itself. */
function manifestFields(manifest: Manifest, mediaType: string, size: number) {
  const { config, layers = [], annotations, manifests } = manifest;
  return {
    media_type: config?.mediaType ?? mediaType,
    manifest_media_type: mediaType,
    size: size + (config?.size ?? 0) + layers.reduce((sum, layer) => sum + layer.size, 0),
    ...(annotations ? { annotations } : {}),
    ...(manifests
      ? {
          references: manifests.map(({ digest, platform }) => ({
            child_digest: digest,
            ...(platform ? { platform } : {}),
          })),
        }
      : {}),
  };
}

/** Harbor decodes the name of the repository twice. */
function vulnerabilityLink(project: ProjectState, repository: string, digest: string) {
  const name = encodeURIComponent(encodeURIComponent(repository.slice(project.name.length + 1)));
  const href = `/api/v2.0/projects/${project.name}/repositories/${name}/artifacts/${digest}/additions/vulnerabilities`;
  return { vulnerabilities: { absolute: false, href } };
}

function notFound(repository: string, reference: string): Answer {
  return new Answer(404, errors("NOT_FOUND", `artifact ${repository}:${reference} not found`));
}
