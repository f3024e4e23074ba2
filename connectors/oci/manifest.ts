// The documents of an image: manifest, index and config, as far as they are read here.

import { createHash } from "node:crypto";
import { z } from "zod";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
export const OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
export const OCI_EMPTY = "application/vnd.oci.empty.v1+json";
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

/** Some registries hide a manifest whose type is not listed, so all four are. */
export const MANIFEST_ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ");

const digest = z.string().regex(/^sha256:[a-f0-9]{64}$/);
const annotations = z.record(z.string(), z.string());

export const descriptorSchema = z.object({
  mediaType: z.string(),
  digest,
  size: z.int().min(0),
  annotations: annotations.optional(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

export const imageManifestSchema = z.object({
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(1_000),
  annotations: annotations.optional(),
});

const platformSchema = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
export const imageIndexSchema = z.object({
  manifests: z
    .array(descriptorSchema.extend({ platform: platformSchema.optional(), artifactType: z.string().nullish() }))
    .max(1_000),
});

const names = z.array(z.string()).nullish();
const emptyObjects = z.record(z.string(), z.object({})).nullish();
/** What a base image passes on to the images made from it. Unknown fields are kept, so that nothing of it gets lost. */
export const imageConfigSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  author: z.string().nullish(),
  config: z
    .looseObject({
      User: z.string().optional(),
      ExposedPorts: emptyObjects,
      Env: names,
      Entrypoint: names,
      Cmd: names,
      Volumes: emptyObjects,
      WorkingDir: z.string().optional(),
      Labels: z.record(z.string(), z.string()).nullish(),
      StopSignal: z.string().optional(),
      OnBuild: names,
      Shell: names,
    })
    .nullish(),
  rootfs: z.object({ type: z.literal("layers"), diff_ids: z.array(digest) }),
  history: z.array(z.looseObject({ empty_layer: z.boolean().optional() })).nullish(),
});
export type ImageConfig = z.infer<typeof imageConfigSchema>;

export function isIndex(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Translates Docker's media types of layers into those of OCI. */
export function ociType(mediaType: string): string {
  if (mediaType === "application/vnd.docker.image.rootfs.diff.tar.gzip") return OCI_LAYER_GZIP;
  if (mediaType === "application/vnd.docker.image.rootfs.diff.tar") return "application/vnd.oci.image.layer.v1.tar";
  return mediaType;
}

export type Platform = z.infer<typeof platformSchema>;

/** Other names of architectures that builders take, with the variant that a name implies. */
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  i386: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  arm: ["arm", "v7"],
};
/** Variants that mean the same as none. */
const USUAL_VARIANTS: readonly string[] = ["amd64/v1", "arm64/v8", "arm64/8"];

/** `linux/amd64`, `linux/arm64/v8`, as builders write them; undefined when it is neither. `linux/arm` is `linux/arm/v7`. */
export function parsePlatform(text: string): Platform | undefined {
  const [os = "", written = "", given, ...more] = text.toLowerCase().split("/");
  if (os === "" || written === "" || given === "" || more.length > 0) return undefined;
  const [architecture, implied] = ARCHITECTURES[written] ?? [written];
  const variant = given ?? implied;
  if (variant === undefined || USUAL_VARIANTS.includes(`${architecture}/${variant}`)) return { os, architecture };
  return { os, architecture, variant: /^\d$/.test(variant) ? `v${variant}` : variant };
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/** Whether both name the same kind of machine, however they are written. */
export function isSamePlatform(one: Platform, other: Platform): boolean {
  const plain = (platform: Platform): string => platformText(parsePlatform(platformText(platform)) ?? platform);
  return plain(one) === plain(other);
}
