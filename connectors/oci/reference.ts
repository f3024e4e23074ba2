// Names of images: `host/project/name:tag@sha256:…`, with the abbreviations that people are used to.

import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";

export type ImageReference = {
  /** Host and port of the registry, e.g. `harbor.example:8443`, `docker.io`. */
  readonly host: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
};

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const HOST = /^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;

export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** Undefined when the text is no image name. Without a host it is Docker Hub's, without tag and digest it is `latest`. */
export function parseReference(text: string): ImageReference | undefined {
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined;
  const slash = named.indexOf("/");
  const first = slash === -1 ? "" : named.slice(0, slash);
  const hasHost = first === "localhost" || /[.:[]/.test(first);
  const host = hasHost ? first : "docker.io";
  const rest = hasHost ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(":");
  const path = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  const repository = host === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (!HOST.test(host) || !isRepositoryName(repository) || (tag !== undefined && !isTag(tag))) return undefined;
  if (digest !== undefined) return { host, repository, digest, ...(tag === undefined ? {} : { tag }) };
  return { host, repository, tag: tag ?? "latest" };
}

/** The address of a registry that is known by its host only: plain HTTP on this machine, HTTPS everywhere else. */
export function registryUrl(host: string): string {
  if (host === "docker.io") return "https://registry-1.docker.io";
  const name = host.replace(/:\d+$/, "");
  const here = name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name);
  return `${here ? "http" : "https"}://${host}`;
}

/** The digest, or an error that names where it came from. */
export function checkDigest(digest: string, system: string, what: string): string {
  if (isDigest(digest)) return digest;
  throw new GantryError("system-strange", {
    system,
    what,
    problem: `the digest "${truncate(digest, 100)}" is not sha256`,
  });
}
