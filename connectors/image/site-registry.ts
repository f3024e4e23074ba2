// The registry of a site's Harbor, and the names that images have there.

import type { HarborSystem } from "@gantry/core/site/systems.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { createRegistry, type Registry } from "../oci/client.ts";
import type { RegistryOptions } from "../oci/transport.ts";

/** `harbor.example.com:8443`: what the names of images begin with. */
export function registryHost({ url, registry }: HarborSystem): string {
  return registry ?? new URL(url).host;
}

type Access = Pick<StepContext<unknown>, "fetch" | "signal" | "nowMs">;

/** How the registry is called, with the site's account. */
export function siteRegistryOptions({ fetch, signal, nowMs }: Access, harbor: HarborSystem): RegistryOptions {
  const { protocol, host } = new URL(harbor.url);
  return {
    title: harbor.title ?? harbor.name,
    url: `${protocol}//${registryHost(harbor)}`,
    credentials: { username: harbor.username, password: harbor.password },
    trustedHosts: [host],
    fetch,
    signal,
    nowMs,
  };
}

/** A client with the site's account, good for one step. */
export function siteRegistry(access: Access, harbor: HarborSystem): Registry {
  return createRegistry(siteRegistryOptions(access, harbor));
}
