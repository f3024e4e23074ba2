// The systems of each site and the secrets that they need. Pure.

import { type Answers, allSites, PLATFORM } from "./answers.ts";

export type NeededSecret = {
  /** In the folder `secrets`. */
  readonly file: string;
  /** For people: what to put into it. */
  readonly what: string;
  /** Whose runner reads it; undefined: the portal. */
  readonly site: string | undefined;
  /** As the runner's configuration names it. */
  readonly name: string;
};

/** The secrets that the runner of a site reads. Every site gets its own entry, also where two share a file. */
export function secretsAt(answers: Answers, site: string): readonly NeededSecret[] {
  const { git, jira, harbor, registry, argocd, nexus, sonarqube } = answers;
  const at = (name: string, file: string, what: string): NeededSecret => ({ name, file, what, site });
  const others = otherSites(answers, site).flatMap((other) => [
    ...(harbor[other]
      ? [at(`HARBOR_${idOf(other)}`, `${other}-harbor-password`, `the password or robot secret for ${harbor[other]}`)]
      : []),
    ...(registry[other]
      ? [at(`REGISTRY_${idOf(other)}`, `${other}-registry-password`, `the password for ${registry[other]}`)]
      : []),
  ]);
  return [
    ...(git ? [at("GIT", "git-token", `a token of Gantry's account at ${git.url}`)] : []),
    ...(jira && site === PLATFORM ? [at("JIRA", "jira-token", `a token of Gantry's account at ${jira.url}`)] : []),
    ...(harbor[site]
      ? [at("HARBOR", `${site}-harbor-password`, `the password or robot secret for ${harbor[site]}`)]
      : []),
    ...(registry[site] ? [at("REGISTRY", `${site}-registry-password`, `the password for ${registry[site]}`)] : []),
    ...(argocd[site] ? [at("ARGOCD", `${site}-argocd-token`, `a token of Gantry's account at ${argocd[site]}`)] : []),
    ...(argocd[site] && git && answers.argocdGitUser !== undefined
      ? [at("ARGOCD_GIT", "argocd-git-token", `a token of Argo CD's own account at ${git.url}, which may only read`)]
      : []),
    ...(nexus[site] ? [at("NEXUS", `${site}-nexus-password`, `the password for ${nexus[site]}`)] : []),
    ...(sonarqube[site]
      ? [at("SONARQUBE", `${site}-sonarqube-token`, `a user token of Gantry's account at ${sonarqube[site]}`)]
      : []),
    ...others,
  ];
}

/** Each file once. */
export function secretsOf(answers: Answers): readonly NeededSecret[] {
  const all = allSites(answers).flatMap((site) => secretsAt(answers, site));
  const sso: readonly NeededSecret[] = answers.issuer
    ? [{ name: "SSO", file: "sso-client-secret", what: `the client secret of ${answers.issuer.url}`, site: undefined }]
    : [];
  return [...new Map([...all, ...sso].map((one) => [one.file, one])).values()];
}

/** `systems` and `secrets` of a runner's configuration. `place`: where it finds a file of the folder `secrets`. */
export function runnerSystems(answers: Answers, site: string, place: (file: string) => string): object {
  const { git, jira, harbor, registry, argocd, nexus, sonarqube } = answers;
  const systems = {
    ...(git ? { git: gitSystem(git) } : {}),
    ...(jira && site === PLATFORM ? { jira: jiraSystem(jira) } : {}),
    ...(harbor[site] ? { harbor: harborSystem(answers, harbor[site]) } : {}),
    ...(registry[site] ? { registry: registrySystem(answers, registry[site]) } : {}),
    ...(argocd[site] ? { argocd: argocdSystem(answers, argocd[site]) } : {}),
    ...(nexus[site] ? { nexus: nexusSystem(answers, nexus[site]) } : {}),
    ...(sonarqube[site] ? { sonarqube: { kind: "sonarqube", url: sonarqube[site], token: "SONARQUBE" } } : {}),
    ...Object.fromEntries(otherSites(answers, site).flatMap((other) => registriesOf(answers, other))),
  };
  const secrets = secretsAt(answers, site).map(({ name, file }) => [name, { file: place(file) }] as const);
  const { templates } = answers;
  const shared = site === PLATFORM && templates !== "TEMPLATES" ? { shared: { repositories: [`${templates}/*`] } } : {};
  return { systems, secrets: Object.fromEntries(secrets), ...shared };
}

/** Of a site that deploys: those from whose registries it copies images. The platform neither builds nor deploys. */
function otherSites({ sites }: Answers, site: string): readonly string[] {
  return site === PLATFORM ? [] : sites.filter((one) => one !== site);
}

/** The registries of another site, by the names that this site has for them. */
function registriesOf(answers: Answers, other: string): readonly (readonly [name: string, system: object])[] {
  const { harbor, registry } = answers;
  return [
    ...(harbor[other]
      ? [
          [
            `harbor-${other}`,
            { ...harborSystem(answers, harbor[other], `HARBOR_${idOf(other)}`), site: other },
          ] as const,
        ]
      : []),
    ...(registry[other]
      ? [
          [
            `registry-${other}`,
            { ...registrySystem(answers, registry[other], `REGISTRY_${idOf(other)}`), site: other },
          ] as const,
        ]
      : []),
  ];
}

/** A site as part of the name of a secret. */
function idOf(site: string): string {
  return site.toUpperCase().replaceAll("-", "_");
}

function gitSystem({ provider, url, username, projects }: NonNullable<Answers["git"]>): object {
  return {
    kind: "git",
    provider,
    url,
    ...(username === undefined ? {} : { username }),
    token: "GIT",
    appsMay: projects.map((one) => `${one}/*`),
  };
}

function jiraSystem({ url, flavour, username }: NonNullable<Answers["jira"]>): object {
  return {
    kind: "jira",
    url,
    flavour,
    ...(username === undefined ? {} : { username }),
    token: "JIRA",
    lead: username ?? "gantry",
  };
}

/** Argo CD reads the git host with an account of its own: that of Gantry may push. */
function argocdSystem({ git, argocdGitUser: username }: Answers, url: string): object {
  const readers = git && username !== undefined ? { git: { git: { username, password: "ARGOCD_GIT" } } } : {};
  return { kind: "argocd", url, token: "ARGOCD", ...readers };
}

function harborSystem(answers: Answers, url: string, password = "HARBOR"): object {
  return { kind: "harbor", url, username: answers.harborUser, password, ...imagesOf(answers) };
}

function registrySystem(answers: Answers, url: string, password = "REGISTRY"): object {
  return { kind: "registry", url, username: answers.registryUser, password, ...imagesOf(answers) };
}

/** Images are named like the projects of the git host, in lower case. */
function imagesOf({ git }: Answers): object {
  const projects = (git?.projects ?? []).map((one) => `${(one.split("/").at(-1) ?? one).toLowerCase()}/*`);
  return projects.length === 0 ? {} : { appsMay: projects };
}

function nexusSystem({ nexusUser }: Answers, url: string): object {
  return { kind: "nexus", url, username: nexusUser, password: "NEXUS", repositories: { npm: "npm-group" } };
}

export function channelsOf({ mail }: Answers): object {
  return mail === undefined ? {} : { mail: { kind: "mail", ...mail } };
}

export function signInOf({ issuer }: Answers, secret: (name: string) => string): object {
  if (issuer === undefined) return {};
  const { url, clientId } = issuer;
  const one = {
    id: "sso",
    name: "Single sign-on",
    issuer: url,
    clientId,
    clientSecretFile: secret("sso-client-secret"),
  };
  return { signIn: { issuers: [one] } };
}
