// Which systems sites lack before an app can be built and deployed. Pure.

import type { SiteView } from "@gantry/wire/agent/views.ts";

const NEEDED = { git: "a git host", harbor: "a registry (Harbor)", argocd: "an Argo CD" } as const;

/** Nothing while the sites are not known. */
export function missingSystems(sites: readonly SiteView[] | undefined): readonly string[] {
  if (sites === undefined) return [];
  const deploying = sites.filter(({ name }) => name !== "platform");
  if (deploying.length === 0) return ["A site that builds and deploys, with a git host, a registry and an Argo CD"];
  return deploying.flatMap(({ name, systems }) =>
    Object.entries(NEEDED)
      .filter(([kind]) => !systems.some((one) => one.kind === kind))
      .map(([, words]) => `${words.charAt(0).toUpperCase()}${words.slice(1)} at ${name}`),
  );
}
