// The scans of the fake Harbor: which images an artifact has, and what their scans say at this moment.

import { randomUUID } from "node:crypto";
import { Answer } from "../fake-server.ts";
import { errors } from "../registry/auth.ts";
import type { RegistryStore } from "../registry/store.ts";
import { type Content, countBySeverity, type Finding, inspect, worst } from "./scanner.ts";
import { type ArtifactState, type HarborState, type HarborTiming, scanMoment } from "./state.ts";

type Options = {
  readonly state: HarborState;
  readonly store: RegistryStore;
  readonly timing: HarborTiming;
  readonly clock: () => number;
};

export const SCANNER = { name: "Fake", vendor: "lab", version: "v1" };
const IMAGE_CONFIGS = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

export type Manifest = {
  readonly config?: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly layers?: readonly { readonly size: number }[];
  readonly manifests?: readonly { readonly digest: string; readonly platform?: object }[];
  readonly subject?: { readonly digest: string };
  readonly annotations?: Readonly<Record<string, string>>;
};

export type Overview = {
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

export function harborScans({ state, store, timing, clock }: Options) {
  const inspected = new Map<string, Promise<Content>>();
  const contentOf = (repository: string, digest: string): Promise<Content> => {
    const known = inspected.get(digest) ?? inspect(store, readManifest(store, repository, digest).bytes);
    inspected.set(digest, known);
    return known;
  };
  /** The images that are scanned when this artifact is: itself, or the children of an index. */
  const images = (repository: string, artifact: ArtifactState): ArtifactState[] => {
    const { manifest } = readManifest(store, repository, artifact.digest);
    if (!manifest.manifests) return isImage(manifest) ? [artifact] : [];
    const known = state.repositories[repository]?.artifacts ?? {};
    return manifest.manifests.flatMap(({ digest }) => known[digest] ?? []);
  };
  const overview = async (repository: string, artifact: ArtifactState): Promise<Overview | undefined> => {
    const moment = scanMoment(artifact, clock(), timing);
    if (!moment || !artifact.scan) return undefined;
    const start_time = new Date(moment.startedAtMs).toISOString();
    const begun = { report_id: artifact.scan.id, complete_percent: moment.percent, scanner: SCANNER, start_time };
    if (moment.status !== "Done") return { ...begun, scan_status: moment.status, severity: "", duration: 0 };
    const { findings, scanner } = await contentOf(repository, artifact.digest);
    const duration = Math.round(timing.scanMs / 1000);
    const ended = { ...begun, end_time: new Date(moment.endsAtMs).toISOString(), duration };
    if (scanner === "fails" || (scanner === "fails-once" && artifact.scan.count === 1)) {
      return { ...ended, scan_status: "Error", severity: "" };
    }
    const fixable = findings.filter((one) => one.fix_version !== "").length;
    const summary = { total: findings.length, fixable, summary: countBySeverity(findings) };
    return { ...ended, scan_status: "Success", severity: worst(findings), summary };
  };
  return {
    images,
    overview,
    /** Undefined as long as there is no report; of an index it is the first image's that has one. */
    findings: async (repository: string, artifact: ArtifactState): Promise<readonly Finding[] | undefined> => {
      for (const image of images(repository, artifact)) {
        if ((await overview(repository, image))?.scan_status === "Success") {
          return (await contentOf(repository, image.digest)).findings;
        }
      }
      return undefined;
    },
    request: (artifact: ArtifactState): void => {
      artifact.scan = { id: randomUUID(), requestedAtMs: clock(), count: (artifact.scan?.count ?? 0) + 1 };
    },
  };
}

export function readManifest(
  store: RegistryStore,
  repository: string,
  digest: string,
): { bytes: Buffer; manifest: Manifest } {
  const stored = store.getManifest(repository, digest);
  if (!stored) throw new Answer(404, errors("NOT_FOUND", `artifact ${repository}@${digest} not found`));
  return { bytes: stored.bytes, manifest: JSON.parse(stored.bytes.toString("utf8")) as Manifest };
}

/** Of an index: running beats everything, one success makes it a success. */
export function mergeOverviews(overviews: readonly Overview[]): Overview | undefined {
  const byStatus = (status: string): Overview | undefined => overviews.find((one) => one.scan_status === status);
  return byStatus("Running") ?? byStatus("Success") ?? overviews[0];
}

export function isImage(manifest: Manifest): boolean {
  return manifest.config !== undefined && IMAGE_CONFIGS.includes(manifest.config.mediaType);
}
