// What an installation lacks before an app can be built and deployed. Pure.

type Runner = { readonly site: string; readonly systems?: Readonly<Record<string, unknown>> | undefined };

/** What every site that builds and deploys needs. */
const NEEDED = [
  { kinds: ["git"], words: "a git host" },
  { kinds: ["harbor", "registry"], words: "a registry (Harbor)" },
  { kinds: ["argocd"], words: "an Argo CD" },
] as const;

/** Sentences without an end; empty: nothing is missing. */
export function lackingSystems(runners: readonly Runner[]): readonly string[] {
  const sites = [...new Set(runners.map(({ site }) => site))].filter((site) => site !== "platform");
  if (sites.length === 0)
    return ["a site that builds and deploys, with a git host, a registry (Harbor) and an Argo CD"];
  return sites.flatMap((site) => {
    const kinds = kindsOf(runners.filter((one) => one.site === site));
    const missing = NEEDED.filter((one) => !one.kinds.some((kind) => kinds.has(kind)));
    return missing.map(({ words }) => `${words} at ${site}`);
  });
}

function kindsOf(runners: readonly Runner[]): ReadonlySet<unknown> {
  const systems = runners.flatMap((one) => Object.values(one.systems ?? {}));
  return new Set(systems.map((system) => (system as { readonly kind?: unknown }).kind));
}
