// The answers of `gantry init`, from flags. A question is asked only where a flag is missing and a person is there.

import { resolve } from "node:path";
import { GIT_PROVIDERS, type GitProvider } from "@gantry/core/site/git-providers.ts";
import { didYouMean } from "@gantry/core/suggest.ts";
import { INIT_FLAGS } from "../table/init-flags.ts";
import { type Answers, FORMS, type PerSite, PLATFORM } from "./answers.ts";

export type Values = {
  readonly [N in keyof typeof INIT_FLAGS]?: (typeof INIT_FLAGS)[N] extends { readonly type: "boolean" }
    ? boolean | undefined
    : (typeof INIT_FLAGS)[N] extends { readonly multiple: true }
      ? string[] | undefined
      : string | undefined;
};

/** Asks a person; an empty answer is the default. Undefined: nobody is there to be asked. */
export type Ask = (question: string, otherwise: string) => Promise<string>;

type Question = { readonly flag: keyof Values & string; readonly asks: string; readonly otherwise: string };

const QUESTIONS: readonly Question[] = [
  { flag: "form", asks: `How will it run? ${FORMS.join(", ")}`, otherwise: "all-in-one" },
  { flag: "site", asks: "Name of the site that builds and deploys (several with spaces)", otherwise: "main" },
  { flag: "git", asks: `Git host, as PROVIDER=URL with ${GIT_PROVIDERS.join(", ")} (empty: later)`, otherwise: "" },
  { flag: "git-user", asks: "User name of Gantry's account there (empty: none)", otherwise: "" },
  { flag: "git-project", asks: "Projects with the repositories of apps (several with spaces)", otherwise: "APPS" },
  { flag: "harbor", asks: "Address of Harbor (empty: later; several as SITE=URL)", otherwise: "" },
  { flag: "harbor-user", asks: "User name of Gantry's account there", otherwise: "robot$gantry" },
  { flag: "argocd", asks: "Address of Argo CD (empty: later; several as SITE=URL)", otherwise: "" },
  {
    flag: "argocd-git-user",
    asks: "User name of Argo CD's own account at the git host, which may only read (empty: you register repositories in Argo CD)",
    otherwise: "",
  },
  {
    flag: "cluster",
    asks: "Names of the clusters that apps run on (several as SITE=NAME; empty: later)",
    otherwise: "",
  },
  { flag: "nexus", asks: "Address of Nexus (empty: none)", otherwise: "" },
  { flag: "sonarqube", asks: "Address of SonarQube (empty: none)", otherwise: "" },
  { flag: "jira", asks: "Address of Jira (empty: none)", otherwise: "" },
  { flag: "mail", asks: "Mail server, HOST or HOST:PORT (empty: none)", otherwise: "" },
  { flag: "sso", asks: "Issuer for single sign-on (empty: local accounts)", otherwise: "" },
];
/** Asked only when these were answered. */
const AFTER: { readonly [flag: string]: readonly (keyof Values & string)[] } = {
  "git-user": ["git"],
  "git-project": ["git"],
  "harbor-user": ["harbor"],
  "argocd-git-user": ["git", "argocd"],
  cluster: ["argocd"],
};

/** The flags, and what a person answers where one is missing. */
export async function askMissing(values: Values, ask: Ask | undefined): Promise<Values> {
  if (ask === undefined) return values;
  let all: Values = values;
  for (const { flag, asks, otherwise } of QUESTIONS) {
    if (all[flag] !== undefined || AFTER[flag]?.some((first) => all[first] === undefined)) continue;
    const answer = (await ask(asks, otherwise)).trim() || otherwise;
    if (answer === "") continue;
    const isList = "multiple" in INIT_FLAGS[flag];
    all = { ...all, [flag]: isList ? answer.split(/[\s,]+/) : answer };
  }
  return all;
}

const SITE = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The answers, or what is wrong with them, as sentences. */
export function readAnswers(dir: string, values: Values): Answers | readonly string[] {
  const problems: string[] = [];
  const oneOf = <T extends string>(flag: string, given: string, known: readonly T[]): T => {
    const found = known.find((one) => one === given);
    if (found === undefined)
      problems.push(`--${flag} ${given}: use one of ${known.join(", ")}${didYouMean(given, known)}.`);
    return found ?? (known[0] as T);
  };
  const port = (flag: "port" | "agent-port" | "notify-port", otherwise: number): number => {
    const text = values[flag] ?? String(otherwise);
    if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
      problems.push(`--${flag} ${text}: use a number from 1 to 65535.`);
    return Number(text);
  };
  const sites = [...new Set(values.site ?? ["main"])].filter((one) => one !== PLATFORM);
  for (const site of sites)
    if (!SITE.test(site)) problems.push(`--site ${site}: use lower case letters, digits and hyphens.`);
  const address = (flag: string, url: string): string => {
    const isUrl = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
    if (!isUrl) problems.push(`--${flag} ${url}: it must be like https://host.example.`);
    return url.replace(/\/+$/, "");
  };
  const perSite = (flag: "harbor" | "registry" | "argocd" | "nexus" | "sonarqube"): PerSite => {
    const entries = (values[flag] ?? []).map((one): [string, string] => {
      const [, site = sites[0] ?? PLATFORM, url = ""] = /^(?:([a-z0-9-]+)=)?(.*)$/.exec(one) ?? [];
      if (!sites.includes(site)) problems.push(`--${flag} ${one}: there is no site ${site}${didYouMean(site, sites)}.`);
      return [site, address(flag, url)];
    });
    return Object.fromEntries(entries);
  };
  const ports = { portal: port("port", 8080), agent: port("agent-port", 7001), notify: port("notify-port", 7002) };
  const answers: Answers = {
    form: oneOf("form", values.form ?? "all-in-one", FORMS),
    dir: resolve(dir),
    url: address("url", values.url ?? `http://127.0.0.1:${ports.portal}`),
    ports,
    sites,
    isolation: oneOf("isolation", values.isolation ?? "sandbox", ["sandbox", "container", "none"]),
    git: gitOf(values, problems, address, oneOf),
    jira: jiraOf(values, address),
    harbor: perSite("harbor"),
    registry: perSite("registry"),
    argocd: perSite("argocd"),
    argocdGitUser: values["argocd-git-user"],
    nexus: perSite("nexus"),
    sonarqube: perSite("sonarqube"),
    harborUser: values["harbor-user"] ?? "robot$gantry",
    registryUser: values["registry-user"] ?? "gantry",
    clusters: clustersOf(values, sites, problems),
    templates: values.templates ?? "TEMPLATES",
    nexusUser: values["nexus-user"] ?? "gantry",
    mail: mailOf(values, problems),
    issuer:
      values.sso === undefined
        ? undefined
        : { url: address("sso", values.sso), clientId: values["sso-client"] ?? "gantry" },
  };
  if (/['\n]/.test(answers.dir)) problems.push(`${answers.dir}: the path must have no quote.`);
  return problems.length > 0 ? problems : answers;
}

function clustersOf(values: Values, sites: readonly string[], problems: string[]): readonly string[] {
  return (values.cluster ?? []).map((one) => {
    const [, site = sites[0] ?? PLATFORM, name = ""] = /^(?:([a-z0-9-]+)=)?(.*)$/.exec(one) ?? [];
    if (!sites.includes(site)) problems.push(`--cluster ${one}: there is no site ${site}${didYouMean(site, sites)}.`);
    if (!/^[a-z0-9.-]+$/.test(name))
      problems.push(`--cluster ${one}: use lower case letters, digits, dots and hyphens.`);
    return `${site}/${name}`;
  });
}

type Address = (flag: string, url: string) => string;
type OneOf = <T extends string>(flag: string, given: string, known: readonly T[]) => T;

function gitOf(values: Values, problems: string[], address: Address, oneOf: OneOf): Answers["git"] {
  if (values.git === undefined) return undefined;
  const at = values.git.indexOf("=");
  if (at < 0) {
    problems.push(`--git ${values.git}: it must be PROVIDER=URL, with one of ${GIT_PROVIDERS.join(", ")}.`);
    return undefined;
  }
  const provider: GitProvider = oneOf("git", values.git.slice(0, at), GIT_PROVIDERS);
  const url = address("git", values.git.slice(at + 1));
  return { provider, url, username: values["git-user"], projects: values["git-project"] ?? ["APPS"] };
}

function jiraOf(values: Values, address: Address): Answers["jira"] {
  if (values.jira === undefined) return undefined;
  const url = address("jira", values.jira);
  return { url, flavour: /\.atlassian\.net$/.test(url) ? "cloud" : "data-center", username: values["jira-user"] };
}

function mailOf(values: Values, problems: string[]): Answers["mail"] {
  if (values.mail === undefined) return undefined;
  const from = values["mail-from"];
  const to = values["mail-to"] ?? [];
  if (from === undefined || to.length === 0) problems.push("--mail needs --mail-from and --mail-to.");
  const [, host = "", port] = /^(.*?)(?::(\d{1,5}))?$/.exec(values.mail) ?? [];
  return { host, ...(port === undefined ? {} : { port: Number(port) }), from: from ?? "", to };
}
