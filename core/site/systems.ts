// The outside systems of a site, as a runner's configuration names them. A credential is never a value in that file:
// it is the name of a secret that the runner resolves at the site (see runner-config).

import { z } from "zod";
import { GIT_PROVIDERS } from "./git-providers.ts";

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));
const common = {
  url,
  title: z.string().optional(),
  standIn: z.boolean().default(false),
  /**
   * PEM file, read at the runner: certificates to trust for this system. Git trusts only these; other clients trust the
   * usual ones, too.
   */
  ca: z.string().min(1).optional(),
  /** Accepts any certificate. Anyone between the runner and the system can then read and change everything. */
  insecureSkipVerify: z.boolean().optional(),
};

const patterns = (form: RegExp, example: string): z.ZodOptional<z.ZodArray<z.ZodString>> => {
  const words = `must be like ${example}; \`*\` stands for any characters, \`{app}\` for the name of the app`;
  return z.array(z.string().max(500).regex(form, words)).max(1_000).optional();
};
/** What records of apps may name in this system. `core/app/apps-may.ts` has the defaults and the meaning. */
const places = patterns(/^[^\s/]+(?:\/[^\s/]+)+$/, "PROJECT/name or PROJECT/*");
const projects = patterns(/^[^\s/]+$/, "a name");

/** The site whose registry it is, if that is not the site of the runner. Images are copied from it. */
const ofSite = z.string().min(1).max(63).optional();

/** A git host. `url` is the address people open; `api` where the REST API lives if it is elsewhere. */
export const gitSystem = z.strictObject({
  kind: z.literal("git"),
  provider: z.enum(GIT_PROVIDERS),
  ...common,
  api: url.optional(),
  /** Base of clone addresses where they do not follow from `url`, e.g. an internal name. */
  cloneBase: url.optional(),
  /** User name for git over HTTPS and for Basic authentication; without one the token goes as Bearer. */
  username: z.string().optional(),
  token: z.string(),
  appsMay: places,
});

export const harborSystem = z.strictObject({
  kind: z.literal("harbor"),
  ...common,
  /** Host (and port) in image names, when it is not the host of `url`. */
  registry: z.string().optional(),
  site: ofSite,
  username: z.string(),
  password: z.string(),
  appsMay: places,
});

/** A registry that is not Harbor: it has no projects and scans nothing. `url` is its address, as its API has it. */
export const registrySystem = z.strictObject({
  kind: z.literal("registry"),
  ...common,
  /** Host (and port) in image names, when it is not the host of `url`. */
  registry: z.string().optional(),
  site: ofSite,
  /** Both absent: anonymous. */
  username: z.string().optional(),
  password: z.string().optional(),
  appsMay: places,
});

export const jiraSystem = z.strictObject({
  kind: z.literal("jira"),
  ...common,
  flavour: z.enum(["cloud", "data-center"]),
  username: z.string().optional(),
  token: z.string(),
  /** Account (Cloud: accountId, Data Center: name) that leads new projects. */
  lead: z.string(),
  appsMay: projects,
});

export const nexusSystem = z.strictObject({
  kind: z.literal("nexus"),
  ...common,
  username: z.string().optional(),
  password: z.string().optional(),
  /** Names of the group repositories that builds download from, by format. */
  repositories: z
    .strictObject({
      npm: z.string().optional(),
      maven: z.string().optional(),
      pypi: z.string().optional(),
      go: z.string().optional(),
      nuget: z.string().optional(),
    })
    .default({}),
});

export const sonarqubeSystem = z.strictObject({
  kind: z.literal("sonarqube"),
  ...common,
  token: z.string(),
  /** For the scanner, which does what the sources tell it and can pass its token on: an analysis token. Default: `token`. */
  scannerToken: z.string().optional(),
  appsMay: projects,
});

/** `none`: everybody may read the repositories of the host. */
const gitReader = z.union(
  [z.literal("none"), z.strictObject({ username: z.string().min(1).optional(), password: z.string().min(1) })],
  "must be a map with `username` and `password`, or `none` for a host whose repositories everybody may read",
);
export type GitReader = z.output<typeof gitReader>;

export const argocdSystem = z.strictObject({
  kind: z.literal("argocd"),
  ...common,
  token: z.string(),
  /**
   * With what Argo CD reads repositories, by the name of the git system: an account that may only read. Argo CD never gets
   * the account of the git system itself, which may push. Not needed where people register repositories in Argo CD.
   */
  git: z.record(z.string(), gitReader).optional(),
  /** Its projects. */
  appsMay: projects,
  /** The namespaces of its clusters. */
  namespaces: projects,
});

export const systemSchema = z.discriminatedUnion("kind", [
  gitSystem,
  harborSystem,
  registrySystem,
  jiraSystem,
  nexusSystem,
  sonarqubeSystem,
  argocdSystem,
]);

/**
 * The other site whose system it is; undefined for a system of the runner's own site. A step gets a system of another site
 * only by its name or by that site.
 */
export function otherSiteOf(settings: {
  readonly kind: SystemKind;
  readonly site?: string | undefined;
}): string | undefined {
  return settings.site;
}

type Named<S> = S & { readonly name: string };
/** A connection with its secrets resolved, as a step gets it. `name` is the site's own name for the system. */
export type GitSystem = Named<z.output<typeof gitSystem>>;
export type HarborSystem = Named<z.output<typeof harborSystem>>;
export type RegistrySystem = Named<z.output<typeof registrySystem>>;
export type JiraSystem = Named<z.output<typeof jiraSystem>>;
export type NexusSystem = Named<z.output<typeof nexusSystem>>;
export type SonarqubeSystem = Named<z.output<typeof sonarqubeSystem>>;
export type ArgocdSystem = Named<z.output<typeof argocdSystem>>;

export type System = Named<z.output<typeof systemSchema>>;
export type SystemKind = System["kind"];
export type SystemOf<K extends SystemKind> = Extract<System, { kind: K }>;
