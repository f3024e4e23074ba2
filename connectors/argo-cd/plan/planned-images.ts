// Puts the images that a commit would set into manifests that were rendered without it. Pure.

import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";

/** An image that the commit sets. */
export type PlannedImage = {
  readonly name: string;
  /** host/project/name */
  readonly repository: string;
  /** As it will stand in the manifests. */
  readonly ref: string;
  /** As the file has it now: a reference, a digest, or nothing. */
  readonly old: string;
  /** Kustomize: the name of the entry, which is that of the image in the manifests before kustomize sets it. */
  readonly entry: string | undefined;
};

/** The manifest with the images. Calls `used` with the name of each image that it has. */
export function withImages(
  manifest: JsonValue,
  images: readonly PlannedImage[],
  used: (name: string) => void,
): JsonValue {
  const walk = (value: JsonValue, key: string, inContainer: boolean): JsonValue => {
    if (Array.isArray(value)) {
      const isList = CONTAINERS.has(key);
      return (value as JsonValue[]).map((item) => walk(item, isList ? CONTAINER : "", isList));
    }
    if (isJsonObject(value)) {
      const fields = Object.entries(value);
      return Object.fromEntries(fields.map(([name, inner]) => [name, walk(inner, name, key === CONTAINER)]));
    }
    if (typeof value !== "string") return value;
    const image = imageOf(value, images, inContainer && key === "image");
    if (!image) return value;
    used(image.name);
    return image.ref;
  };
  return walk(manifest, "", false);
}

const CONTAINERS: ReadonlySet<string> = new Set(["containers", "initContainers", "ephemeralContainers"]);
const CONTAINER = "item of a list of containers";

/** Everywhere, the text that the commit replaces. The image of a container is also known by its repository and its entry. */
function imageOf(text: string, images: readonly PlannedImage[], isImage: boolean): PlannedImage | undefined {
  const byText = images.find(({ old, ref }) => text === ref || (text === old && old.includes("/")));
  if (byText) return byText;
  const digest = text.split("@")[1];
  const byDigest = digest && images.find(({ old }) => old === digest || old.endsWith(`@${digest}`));
  if (byDigest) return byDigest;
  if (!isImage) return undefined;
  const repository = nameOf(text);
  return images.find((one) => one.repository === repository) ?? images.find(({ entry }) => entry === repository);
}

/** Without tag and digest. */
function nameOf(reference: string): string {
  return (reference.split("@")[0] ?? "").replace(/:[^:/]*$/, "");
}
