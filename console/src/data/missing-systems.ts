// Which systems sites lack before an app can be built and deployed, or a pipeline can run, and how each is added. Pure.

import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";

/** `add`: what to write below `systems:` of a runner, or the command that adds a site. */
export type MissingSystem = { readonly what: string; readonly add: string };

const NEEDED = [
  {
    kinds: ["git"],
    words: "A git host",
    add: "git: { kind: git, provider: bitbucket-dc, url: https://git.example.com, token: GIT }",
  },
  {
    kinds: ["harbor", "registry"],
    words: "A registry (Harbor)",
    add: "harbor: { kind: harbor, url: https://harbor.example.com, username: robot$gantry, password: HARBOR }",
  },
  {
    kinds: ["argocd"],
    words: "An Argo CD",
    add: "argocd: { kind: argocd, url: https://argocd.example.com, token: ARGOCD }",
  },
] as const;

/** Nothing while the sites are not known. */
export function missingSystems(sites: readonly SiteView[] | undefined): readonly MissingSystem[] {
  if (sites === undefined) return [];
  const deploying = sites.filter(({ name }) => name !== "platform");
  if (deploying.length === 0) {
    const what = "A site that builds and deploys, with a git host, a registry and an Argo CD";
    return [{ what, add: "gantry runner enrol main main-1 --new-site" }];
  }
  return deploying.flatMap(({ name, systems }) =>
    NEEDED.filter(({ kinds }) => !systems.some(({ kind }) => kinds.some((one) => one === kind))).map(
      ({ words, add }) => ({ what: `${words} at ${name}`, add }),
    ),
  );
}

/** Systems that a step cannot do without: its pipeline ends at the first step that lacks one. */
const STEPS_NEED = [
  ...NEEDED.filter(({ kinds: [kind] }) => kind !== "harbor"),
  {
    kinds: ["jira"],
    words: "A Jira",
    add: "jira: { kind: jira, flavour: data-center, url: https://jira.example.com, token: JIRA, lead: gantry }",
  },
] as const;

/** What the steps of a pipeline need at the sites that its file names. Other sites depend on what is started. */
export function systemsMissingFor(
  { jobs }: Pick<PipelineView, "jobs">,
  sites: readonly SiteView[] | undefined,
): readonly MissingSystem[] {
  const used = jobs.flatMap(({ site, steps }) => {
    const found = sites?.find(({ name }) => name === site);
    const families = steps.map(({ uses = "" }) => uses.split("/")[0]);
    return found === undefined ? [] : families.map((kind) => ({ kind, site: found }));
  });
  const missing = STEPS_NEED.flatMap(({ kinds: [kind], words, add }) =>
    used
      .filter((one) => one.kind === kind && !one.site.systems.some((system) => system.kind === kind))
      .map(({ site }) => ({ what: `${words} at ${site.name}`, add })),
  );
  return missing.filter(({ what }, at) => missing.findIndex((one) => one.what === what) === at);
}
