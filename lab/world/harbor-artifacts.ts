// Artifacts and scans of the stand-in Harbor, as the API shows them at this moment.

import { randomUUID } from "node:crypto";
import { type Content, countBySeverity, type Finding, inspect, worst } from "./harbor-scan.ts";
import {
  type ArtifactState,
  type HarborState,
  type HarborTiming,
  isScanning,
  type ProjectState,
  projectOf,
  scanMoment,
  visibleArtifact,
} from "./harbor-state.ts";
import type { PushedManifest } from "./registry.ts";
import { errors } from "./registry-auth.ts";
import type { RegistryStore } from "./registry-store.ts";
import { Answer } from "./stand-in.ts";

export type HarborArtifacts = ReturnType<typeof harborArtifacts>;

type Options = {
  readonly state: HarborState;
  readonly save: () => void;
  readonly store: RegistryStore;
  readonly timing: HarborTiming;
  readonly clock: () => number;
};

const REPORT = "application/vnd.security.vulnerability.report; version=1.1";
const SCANNER = { name: "Stand-in", vendor: "lab", version: "v1" };
const IMAGE_CONFIGS = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

type Manifest = {
  readonly config?: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly layers?: readonly { readonly size: number }[];
  readonly manifests?: readonly { readonly digest: string; readonly platform?: object }[];
  readonly subject?: { readonly digest: string };
  readonly annotations?: Readonly<Record<string, string>>;
};

export function harborArtifacts({ state, save, store, timing, clock }: Options) {
  const inspected = new Map<string, Promise<Content>>();

  const manifestOf = (repository: string, digest: string): { bytes: Buffer; manifest: Manifest } => {
    const stored = store.getManifest(repository, digest);
    if (!stored) throw notFound(repository, digest);
    return { bytes: stored.bytes, manifest: JSON.parse(stored.bytes.toString("utf8")) as Manifest };
  };
  const contentOf = (repository: string, digest: string): Promise<Content> => {
    const known = inspected.get(digest) ?? inspect(store, manifestOf(repository, digest).bytes);
    inspected.set(digest, known);
    return known;
  };
  /** The images that are scanned when this artifact is: itself, or the children of an index. */
  const images = (repository: string, artifact: ArtifactState): ArtifactState[] => {
    const { manifest } = manifestOf(repository, artifact.digest);
    if (!manifest.manifests) return isImage(manifest) ? [artifact] : [];
    const known = state.repositories[repository]?.artifacts ?? {};
    return manifest.manifests.flatMap(({ digest }) => known[digest] ?? []);
  };
  const overviewOf = async (repository: string, artifact: ArtifactState): Promise<Overview | undefined> => {
    const moment = scanMoment(artifact, clock(), timing);
    if (!moment || !artifact.scan) return undefined;
    const base = { report_id: artifact.scan.id, complete_percent: moment.percent, scanner: SCANNER };
    const start_time = new Date(moment.startedAtMs).toISOString();
    if (moment.status !== "Done") return { ...base, scan_status: moment.status, severity: "", duration: 0, start_time };
    const { findings, scanner } = await contentOf(repository, artifact.digest);
    const end = {
      start_time,
      end_time: new Date(moment.endsAtMs).toISOString(),
      duration: Math.round(timing.scanMs / 1000),
    };
    if (scanner === "fails" || (scanner === "fails-once" && artifact.scan.count === 1)) {
      return { ...base, ...end, scan_status: "Error", severity: "" };
    }
    const fixable = findings.filter((one) => one.fix_version !== "").length;
    const summary = { total: findings.length, fixable, summary: countBySeverity(findings) };
    return { ...base, ...end, scan_status: "Success", severity: worst(findings), summary };
  };
  const findingsOf = async (repository: string, artifact: ArtifactState): Promise<readonly Finding[] | undefined> => {
    const all: Finding[] = [];
    for (const image of images(repository, artifact)) {
      if ((await overviewOf(repository, image))?.scan_status !== "Success") continue;
      all.push(...(await contentOf(repository, image.digest)).findings);
      return all;
    }
    return undefined;
  };
  const request = (artifact: ArtifactState): void => {
    artifact.scan = { id: randomUUID(), requestedAtMs: clock(), count: (artifact.scan?.count ?? 0) + 1 };
  };

  return {
    pushed: ({ repository, digest, mediaType }: PushedManifest): void => {
      const { manifest } = manifestOf(repository, digest);
      // What belongs to another manifest is an accessory of it and no artifact of its own.
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
      if (isImage(manifest) && state.projects[projectOf(repository)]?.metadata.auto_scan === "true") request(artifact);
      save();
    },

    find: (repository: string, reference: string): { repository: string; artifact: ArtifactState } => {
      const digest = store.getManifest(repository, reference)?.digest;
      const artifact = visibleArtifact(state, repository, digest, clock(), timing);
      if (!artifact) throw notFound(repository, reference);
      return { repository, artifact };
    },

    view: async (project: ProjectState, repository: string, artifact: ArtifactState, withScan: boolean) => {
      const { bytes, manifest } = manifestOf(repository, artifact.digest);
      const short = repository.slice(project.name.length + 1);
      const scanned = images(repository, artifact);
      const overviews = withScan
        ? (await Promise.all(scanned.map((one) => overviewOf(repository, one)))).filter((one) => one !== undefined)
        : [];
      const merged = mergeOverviews(overviews);
      return {
        id: artifact.id,
        type: "IMAGE",
        media_type: manifest.config?.mediaType ?? artifact.mediaType,
        manifest_media_type: artifact.mediaType,
        project_id: project.id,
        repository_id: state.repositories[repository]?.id ?? 0,
        digest: artifact.digest,
        size:
          bytes.length +
          (manifest.config?.size ?? 0) +
          (manifest.layers ?? []).reduce((sum, { size }) => sum + size, 0),
        push_time: new Date(artifact.pushedAtMs).toISOString(),
        ...(manifest.annotations ? { annotations: manifest.annotations } : {}),
        ...(manifest.manifests
          ? {
              references: manifest.manifests.map(({ digest, platform }) => ({
                child_digest: digest,
                ...(platform ? { platform } : {}),
              })),
            }
          : {}),
        tags: store
          .tags(repository)
          .filter(({ digest }) => digest === artifact.digest)
          .map(({ tag }) => ({ name: tag, artifact_id: artifact.id, immutable: false })),
        addition_links:
          scanned.length === 0
            ? {}
            : {
                vulnerabilities: {
                  absolute: false,
                  href: `/api/v2.0/projects/${project.name}/repositories/${encodeURIComponent(encodeURIComponent(short))}/artifacts/${artifact.digest}/additions/vulnerabilities`,
                },
              },
        ...(merged ? { scan_overview: { [REPORT]: merged } } : {}),
      };
    },

    startScan: (repository: string, artifact: ArtifactState): void => {
      const scanned = images(repository, artifact);
      if (scanned.length === 0) throw new Answer(400, errors("BAD_REQUEST", "the artifact can not be scanned"));
      if (scanned.some((one) => isScanning(one, clock(), timing))) {
        throw new Answer(409, errors("CONFLICT", "a previous scan process is running"));
      }
      for (const one of scanned) request(one);
      save();
    },

    report: async (repository: string, artifact: ArtifactState): Promise<object> => {
      const vulnerabilities = await findingsOf(repository, artifact);
      if (!vulnerabilities) return {};
      const generated_at = new Date(clock()).toISOString();
      return { [REPORT]: { generated_at, scanner: SCANNER, severity: worst(vulnerabilities), vulnerabilities } };
    },

    findings: findingsOf,

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

type Overview = {
  readonly report_id: string;
  readonly scan_status: string;
  readonly severity: string;
  readonly duration: number;
  readonly complete_percent: number;
  readonly start_time: string;
  readonly end_time?: string;
  readonly scanner: object;
  readonly summary?: { readonly total: number; readonly fixable: number; readonly summary: Record<string, number> };
};

/** Of an index: running beats everything, one success makes it a success. */
function mergeOverviews(overviews: readonly Overview[]): Overview | undefined {
  const byStatus = (status: string): Overview | undefined => overviews.find((one) => one.scan_status === status);
  return byStatus("Running") ?? byStatus("Success") ?? overviews[0];
}

function isImage(manifest: Manifest): boolean {
  return manifest.config !== undefined && IMAGE_CONFIGS.includes(manifest.config.mediaType);
}

function notFound(repository: string, reference: string): Answer {
  return new Answer(404, errors("NOT_FOUND", `artifact ${repository}:${reference} not found`));
}
