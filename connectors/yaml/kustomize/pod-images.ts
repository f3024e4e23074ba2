// The images in objects and patches that the entries of a kustomization set. Pure.

/** Kustomize looks into the lists with these names wherever they are, and not into `ephemeralContainers`. */
const CONTAINERS: ReadonlySet<string> = new Set(["containers", "initContainers"]);

/** The images of an object, without tag and digest, as kustomize takes them apart. */
export function podImages(object: unknown): readonly string[] {
  // Definitions of kinds describe fields; they have no pods.
  if (!isMap(object) || object.kind === "CustomResourceDefinition") return [];
  return imagesBelow(object);
}

/**
 * The images that a patch may set: of its containers, and of the operations of a JSON patch. A patch without the name of a
 * container, or for a field beside it, is a part of an object, so any `image` counts.
 */
export function patchImages(patch: unknown): readonly string[] {
  if (!Array.isArray(patch)) return anyImages(patch);
  return patch.flatMap((operation: unknown) => {
    if (!isMap(operation)) return [];
    const { path, value } = operation;
    if (typeof path === "string" && /\/image$/.test(path) && typeof value === "string") return [nameOf(value)];
    return anyImages(value);
  });
}

function imagesBelow(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(imagesBelow);
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = CONTAINERS.has(key) && Array.isArray(inner) ? inner.flatMap(imageOf) : [];
    // A volume may be made of an image.
    const volumes = key === "volumes" && Array.isArray(inner) ? inner.flatMap(volumeImageOf) : [];
    return [...own, ...volumes, ...imagesBelow(inner)];
  });
}

function anyImages(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(anyImages);
  return isMap(value) ? [...imageOf(value), ...Object.values(value).flatMap(anyImages)] : [];
}

function imageOf(container: unknown): readonly string[] {
  return isMap(container) && typeof container.image === "string" ? [nameOf(container.image)] : [];
}

function volumeImageOf(volume: unknown): readonly string[] {
  const { reference } = isMap(volume) && isMap(volume.image) ? volume.image : {};
  return typeof reference === "string" ? [nameOf(reference)] : [];
}

function nameOf(image: string): string {
  return /^([^@]*?)(?::[\w.{}-]*)?(?:@sha256:[\w.{}-]*)?$/.exec(image)?.[1] ?? image;
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
