// Which systems sites lack before an app can be built and deployed. Pure.

import type { SiteView } from "@gantry/wire/agent/views.ts";

const NEEDED = [
  { kinds: ["git"], words: "A git host" },
  { kinds: ["harbor", "registry"], words: "A registry (Harbor)" },
  { kinds: ["argocd"], words: "An Argo CD" },
] as const;

/** Nothing while the sites are not known. */
export function missingSystems(sites: readonly SiteView[] | undefined): readonly string[] {
  if (sites === undefined) return [];
  const deploying = sites.filter(({ name }) => name !== "platform");
  if (deploying.length === 0) return ["A site that builds and deploys, with a git host, a registry and an Argo CD"];
  return deploying.flatMap(({ name, systems }) =>
    NEEDED.filter(({ kinds }) => !systems.some(({ kind }) => kinds.some((one) => one === kind))).map(
      ({ words }) => `${words} at ${name}`,
    ),
  );
}
