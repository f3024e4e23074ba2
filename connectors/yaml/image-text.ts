// Names of images as people write them in YAML, taken apart without changing their spelling. Pure.

import { parseReference } from "../oci/reference.ts";

export type ImageText = {
  /** As it is written, with or without the host of a registry. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
};

/** The image that a file shall name. */
export type Image = {
  /** By which the app calls it; also the name of its container, or the one that a kustomize base gives it. */
  readonly name: string;
  /** `host/project/name` */
  readonly repository: string;
  readonly digest: string;
  readonly tag?: string | undefined;
};

/**
 * How well the text of a file fits an image; less is better. 1: the same repository. 2: the same path in another registry, or
 * in one that is not written there. 3: the text is the image's name.
 */
export type Rank = 1 | 2 | 3;

/** Undefined when this is no name of an image. */
export function parseImageText(text: string): ImageText | undefined {
  if (text.length > 512) return undefined;
  const [, repository, tag, digest] = /^([^\s@]+?)(?::(\w[\w.-]*))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text) ?? [];
  if (repository === undefined || parseReference(text) === undefined) return undefined;
  return { repository, tag, digest };
}

/** `host/path` in two. Without a host, as in `apps/orders`, the host is undefined. */
export function splitHost(repository: string): { readonly host: string | undefined; readonly path: string } {
  const slash = repository.indexOf("/");
  const first = repository.slice(0, Math.max(slash, 0));
  const isHost = first === "localhost" || /[.:[]/.test(first);
  return isHost ? { host: first, path: repository.slice(slash + 1) } : { host: undefined, path: repository };
}

export function rankOf(repository: string, image: Image): Rank | undefined {
  if (repository === image.repository) return 1;
  if (repository !== "" && splitHost(repository).path === splitHost(image.repository).path) return 2;
  return repository === image.name ? 3 : undefined;
}

/** `repository:tag@digest`, with what there is. */
export function printImage(repository: string, tag: string | undefined, digest: string | undefined): string {
  return `${repository}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`;
}

/**
 * A tag that carries the digest, for charts that know no digest: they put `repository:tag` together, and a reference with
 * both is pulled by its digest. The old tag would name another image, so without a new one the digest's first letters stand there.
 */
export function tagWithDigest({ tag, digest }: Image): string {
  return `${tag ?? digest.slice("sha256:".length, "sha256:".length + 12)}@${digest}`;
}
