// The registry of a site, its Harbor or another one, and the names that images have there.

import { GantryError } from "@gantry/core/errors.ts";
import type { HarborSystem, RegistrySystem } from "@gantry/core/site/systems.ts";
import type { OfSite, StepContext } from "@gantry/core/step/step.ts";
import { createRegistry, type Registry } from "../oci/client.ts";
import type { RegistryOptions } from "../oci/transport.ts";

export const REGISTRY_KINDS = ["harbor", "registry"] as const;
type RegistryKind = (typeof REGISTRY_KINDS)[number];
export type ImageSystem = HarborSystem | RegistrySystem;

/**
 * The Harbor of the site, or the registry of another site that this one knows. A site without a Harbor has a registry of
 * another kind. Throws `system-missing`.
 */
export function imageSystem(
  { system, task }: Pick<StepContext<unknown, RegistryKind>, "system" | "task">,
  which: string | OfSite | undefined,
): ImageSystem {
  for (const kind of REGISTRY_KINDS) {
    try {
      return system(kind, which);
    } catch (error) {
      if (!(error instanceof GantryError) || error.code !== "system-missing") throw error;
    }
  }
  const named = which === undefined ? "" : typeof which === "string" ? ` named ${which}` : ` of site ${which.ofSite}`;
  throw new GantryError("system-missing", {
    site: task.site,
    kind: "harbor or registry",
    name: named,
    step: task.step,
  });
}

/** `harbor.example.com:8443`: what the names of images begin with. */
export function registryHost({ url, registry }: ImageSystem): string {
  return registry ?? new URL(url).host;
}

type Access = Pick<StepContext<unknown>, "fetch" | "signal" | "nowMs">;

/** The account of the site. Undefined: its registry is used without one. */
export function accountOf({ username, password }: ImageSystem): { username: string; password: string } | undefined {
  return username === undefined || password === undefined ? undefined : { username, password };
}

/** How the registry is called, with the site's account. */
export function siteRegistryOptions({ fetch, signal, nowMs }: Access, system: ImageSystem): RegistryOptions {
  const { protocol, host } = new URL(system.url);
  const credentials = accountOf(system);
  return {
    title: system.title ?? system.name,
    url: `${protocol}//${registryHost(system)}`,
    ...(credentials ? { credentials } : {}),
    trustedHosts: [host],
    fetch,
    signal,
    nowMs,
  };
}

/** A client with the site's account, good for one step. */
export function siteRegistry(access: Access, system: ImageSystem): Registry {
  return createRegistry(siteRegistryOptions(access, system));
}
