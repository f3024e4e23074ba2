// What an installation is made of, as `gantry init` is told by flags or answers.

import type { GitProvider } from "@gantry/core/site/git-providers.ts";

export const FORMS = ["all-in-one", "separate", "compose", "chart"] as const;
export type Form = (typeof FORMS)[number];

export type Answers = {
  readonly form: Form;
  /** Absolute. */
  readonly dir: string;
  /** The address that people open. */
  readonly url: string;
  readonly ports: { readonly portal: number; readonly agent: number; readonly notify: number };
  /** Besides the site `platform`, which always exists. */
  readonly sites: readonly string[];
  readonly isolation: "sandbox" | "container" | "none";
  readonly git: GitAnswer | undefined;
  readonly jira: JiraAnswer | undefined;
  /** Systems of single sites. */
  readonly harbor: PerSite;
  readonly registry: PerSite;
  readonly argocd: PerSite;
  /** Argo CD's own account at the git host, which may only read. Undefined: repositories are registered in Argo CD by hand. */
  readonly argocdGitUser: string | undefined;
  readonly nexus: PerSite;
  readonly sonarqube: PerSite;
  readonly harborUser: string;
  readonly registryUser: string;
  readonly nexusUser: string;
  /** Clusters that apps can run on, each as site/cluster. */
  readonly clusters: readonly string[];
  /** Project of the templates at the git host. */
  readonly templates: string;
  readonly mail: MailAnswer | undefined;
  readonly issuer: IssuerAnswer | undefined;
};

/** Site → address. */
export type PerSite = Readonly<Record<string, string>>;
export type GitAnswer = {
  readonly provider: GitProvider;
  readonly url: string;
  readonly username: string | undefined;
  /** Where the repositories of apps are. */
  readonly projects: readonly string[];
};
export type JiraAnswer = {
  readonly url: string;
  readonly flavour: "cloud" | "data-center";
  readonly username: string | undefined;
};
export type MailAnswer = {
  readonly host: string;
  readonly port?: number;
  readonly from: string;
  readonly to: readonly string[];
};
export type IssuerAnswer = { readonly url: string; readonly clientId: string };

export const PLATFORM = "platform";

export function allSites({ sites }: Pick<Answers, "sites">): readonly string[] {
  return [PLATFORM, ...sites];
}
